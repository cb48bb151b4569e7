/**
 * Program: asks the floating IPs every five milliseconds and tells what came back.
 *
 * A process of its own, in the real-time class below the agent's heart: an instrument that waits for the
 * processor measures itself, and echo replies that wait to be read come too late to count. Ends with whoever
 * started it.
 *
 * Argument: JSON `ProberArgument`.
 */
import { AddressWatch } from '../links/address-watch.ts'
import { openIcmp } from '../system/icmp.ts'
import { native } from '../system/native.ts'
import { AddressProbe, ownAddresses } from './address-probe.ts'
import { machineMs, type ProberArgument, type ProberWord, proberLine } from './prober-words.ts'

const ROUND_MS = 5
/** Told in batches: whoever reads has its own questions to ask. */
const TELL_MS = 50
/** The heart has 50 at the most. */
const PRIORITY = 5
const PATIENCE_MS = 1_000

const { config, zeroMs } = JSON.parse(process.argv[2] ?? '') as ProberArgument
const now = (): number => machineMs() - zeroMs
let lines: string[] = []
const tell = (word: ProberWord): void => void lines.push(proberLine(word))

try {
  native.setRealtime(PRIORITY)
} catch {
  // Not allowed here: how late the rounds are is told.
}

const probes: AddressProbe[] = []
for (const family of new Set(config.floatingIps.map((ip) => ip.family))) {
  const identifier = 1 + Math.floor(Math.random() * 32_000)
  const port = openIcmp({
    ...{ family, identifier, repeatAfterMs: PATIENCE_MS, repeats: 0 },
    onTrouble: (message, reopening) => {
      if (reopening) tell({ type: 'trouble', message })
    },
  })
  const mine = config.floatingIps.flatMap((floatingIp, index) =>
    floatingIp.family === family
      ? [
          new AddressProbe({
            ...{ config, floatingIp, port, identifier: identifier + 1, now },
            answered: (answer) => tell({ type: 'answer', index, ...answer }),
          }),
        ]
      : [],
  )
  port.listen(identifier + 1, (bytes) => void mine.some((probe) => probe.hear(bytes)))
  probes.push(...mine)
}

const byAddress = new Map(probes.map((probe) => [probe.floatingIp.address, probe]))
// Also hears what others claim: whoever does is not our matter here.
new AddressWatch({
  floatingIps: config.floatingIps,
  door: native,
  onConflict: ({ address, kind }) => {
    if (kind === 'announcement') byAddress.get(address)?.announced(now())
  },
})

function round(dueMs: number): void {
  const atMs = now()
  if (atMs - dueMs > 1) tell({ type: 'late', atMs, ms: atMs - dueMs })
  const own = ownAddresses()
  for (const probe of probes) probe.ask(own)
  const nextMs = Math.max(dueMs + ROUND_MS, now())
  setTimeout(() => round(nextMs), Math.max(0, nextMs - now()))
}

setInterval(() => {
  if (lines.length === 0) return
  process.stdout.write(`${lines.join('\n')}\n`)
  lines = []
}, TELL_MS)
round(now())
