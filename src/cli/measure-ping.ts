/**
 * How do the ping nodes answer right now?
 *
 * Twenty single echo requests to each, all ping nodes at the same time. Only for checking a
 * configuration: the agent measures its ping nodes all the time by itself.
 */
import type { PingNodeConfig } from '../config/config.ts'
import type { PingSample } from '../config/ping-budget.ts'

const REQUESTS = 20
const INTERVAL_MS = 50
/** Longer than any round that is configured in practice, and short enough to wait for. */
const ANSWER_WITHIN_MS = 500

/** Measurements in the order of the ping nodes, or why there are none. */
export type Measured = { ok: true; samples: PingSample[] } | { ok: false; why: string }

/** Measures; injected into the command so that a test needs no network. */
export type Measure = (pingNodes: readonly PingNodeConfig[]) => Promise<Measured>

/** Measures with real echo requests; takes about one and a half seconds and needs CAP_NET_RAW. */
export const measurePingNodes: Measure = async (pingNodes) => {
  // Loaded here, so that a check without measuring works where the native module does not.
  const { openIcmp } = await import('../system/icmp.ts')
  let trouble: string | null = null
  const identifier = 1 + Math.floor(Math.random() * 65_000)
  const open = (family: 4 | 6): ReturnType<typeof openIcmp> =>
    openIcmp({
      family,
      identifier,
      repeatAfterMs: ANSWER_WITHIN_MS,
      repeats: 0,
      onTrouble: (message) => {
        trouble = message
      },
    })
  const families = new Set(pingNodes.map((node) => node.family))
  const ports = [...families].map(open)
  try {
    const samples = await Promise.all(
      pingNodes.map(async (node): Promise<PingSample> => {
        const port = ports.find((one) => one.family === node.family)
        const roundTrips: Promise<number | null>[] = []
        for (let sent = 0; port !== undefined && sent < REQUESTS && trouble === null; sent += 1) {
          roundTrips.push(
            new Promise((resolve) => {
              const sentAtMs = performance.now()
              port.ping(node.address, (end) => {
                resolve(end.answered ? performance.now() - sentAtMs : null)
              })
            }),
          )
          await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS))
        }
        const ends = await Promise.all(roundTrips)
        const roundTripsMs = ends.filter((end) => end !== null)
        return { address: node.address, sentCount: Math.max(1, ends.length), roundTripsMs }
      }),
    )
    return trouble === null ? { ok: true, samples } : { ok: false, why: trouble }
  } finally {
    for (const port of ports) port.close()
  }
}
