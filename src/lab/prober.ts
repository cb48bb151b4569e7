/**
 * Who answers the floating IPs, seen by clients? Runs the askers and reads what they wrote.
 *
 * Three clients ask at once. The ordinary one follows ARP like any other and asks, in the same
 * process, for an address that never moves (`control`): a silence of both is the machine's, not the
 * pair's. The other two have a permanent neighbour entry, one for each node's MAC address: they hear a
 * node that serves though nobody's ARP points to it, so at each instant at most one of them
 * may be answered.
 */
import { closeSync, existsSync, openSync, readSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Probe, probesWithin, type TimeWindow } from './outage.ts'
import { CLIENT_NAMES, type LabNodeName, namespaceOf, RESPONDER_PORT } from './plan.ts'
import { inside, killUntilGone, type Running, startProgram } from './process.ts'
import { labProgram } from './program.ts'
import type { Lab } from './topology.ts'

/** What is asked: a floating IP as everybody does, the same at one node directly, or the control. */
export type TargetName = 'vip4' | 'vip6' | 'control' | `vip${4 | 6}@${LabNodeName}`

export const PROBE_INTERVAL_MS = 5
/** A question not answered within this is lost. */
export const PROBE_PATIENCE_MS = 500

/** The monotonic clock that all of the lab shares, in ms. */
export function labNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

interface Recording {
  file: string
  position: number
  rest: string
}

export class Prober {
  readonly #lab: Lab
  readonly #probes = new Map<TargetName, Probe[]>()
  #recordings: Recording[] = []
  #askers: Running[] = []
  #responder: Running | null = null
  #families: readonly (4 | 6)[] = []

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** Starts the clients and the responder behind `control`; forgets earlier recordings. */
  async start(families: readonly (4 | 6)[] = [4, 6]): Promise<void> {
    const { plan } = this.#lab
    this.#families = families
    this.#probes.clear()
    for (const { file } of this.#recordings) rmSync(file, { force: true })
    this.#recordings = []
    const control = plan.machines.ping1
    if (this.#responder === null) {
      const argument = { name: 'ping1', port: RESPONDER_PORT, addresses: [control.ipv4] }
      this.#responder = startProgram(
        inside(namespaceOf(plan, 'ping1'), await labProgram('responder', argument)),
        { logFile: `${plan.workDir}/responder.log` },
      )
    }
    for (const client of CLIENT_NAMES) {
      const suffix = client === 'client' ? '' : `@${client.slice('via'.length)}`
      const floating = plan.floatingIps
        .filter(({ family, interface: on }) => on === 'eth0' && families.includes(family))
        .map(({ address, family }) => ({ name: `vip${family}${suffix}`, address }))
      const targets =
        client === 'client' ? [...floating, { name: 'control', address: control.ipv4 }] : floating
      const file = `${plan.workDir}/probes-${client}-${Math.trunc(labNowMs())}`
      this.#recordings.push({ file, position: 0, rest: '' })
      const argument = {
        outFile: file,
        port: RESPONDER_PORT,
        intervalMs: PROBE_INTERVAL_MS,
        patienceMs: PROBE_PATIENCE_MS,
        targets,
      }
      this.#askers.push(
        startProgram(inside(namespaceOf(plan, client), await labProgram('asker', argument)), {
          logFile: `${plan.workDir}/asker.log`,
        }),
      )
    }
  }

  async stop(): Promise<void> {
    const pids = this.#askers.map((asker) => asker.pid)
    const alive = (): number[] => pids.filter((pid) => existsSync(`/proc/${pid}`))
    this.#askers = []
    await killUntilGone(alive)
  }

  /** All that was recorded for a target until now, in the order it was written down. */
  recorded(target: TargetName): readonly Probe[] {
    for (const recording of this.#recordings) this.#read(recording)
    return this.#probes.get(target) ?? []
  }

  /** Where the askers of the last start wrote down what they heard. */
  files(): string[] {
    return this.#recordings.map((recording) => recording.file).filter((file) => existsSync(file))
  }

  /** Waits until every question of the window has been answered or given up. */
  async settle(window: TimeWindow): Promise<void> {
    const untilMs = window.toMs + PROBE_PATIENCE_MS + 100
    await sleep(Math.max(0, untilMs - labNowMs()))
  }

  /**
   * Says who alone has served for a while: each answered question went to one node, most were
   * answered, and the other node, asked directly, was silent.
   *
   * @returns null when it is nobody, or more than one
   */
  servingFor(durationMs: number): LabNodeName | null {
    const window = { fromMs: labNowMs() - durationMs - 50, toMs: labNowMs() - 50 }
    const names = new Set<string>()
    for (const target of this.#floatingTargets()) {
      const probes = probesWithin(this.recorded(target), window)
      const answered = probes.filter((probe) => probe.by !== null)
      for (const probe of answered) names.add(probe.by ?? '')
      // Lost questions are written down late, so the number of answers is what counts.
      const enough = (durationMs / PROBE_INTERVAL_MS) * 0.8
      if (!target.includes('@') && answered.length < enough) return null
    }
    const [name] = names
    return names.size === 1 && (name === 'sp1' || name === 'sp2') ? name : null
  }

  /**
   * Waits until one node alone has served for a while.
   *
   * @throws Error when that does not come about within the limit
   */
  async untilServed(stableMs: number, withinMs: number): Promise<LabNodeName> {
    const endMs = labNowMs() + withinMs
    for (;;) {
      const node = this.servingFor(stableMs)
      if (node !== null) return node
      if (labNowMs() > endMs) {
        throw new Error(`lab: no node alone answered for ${stableMs} ms within ${withinMs} ms`)
      }
      await sleep(50)
    }
  }

  #floatingTargets(): TargetName[] {
    return this.#families.flatMap((family): TargetName[] => [
      `vip${family}`,
      `vip${family}@sp1`,
      `vip${family}@sp2`,
    ])
  }

  #read(recording: Recording): void {
    if (!existsSync(recording.file)) return
    const file = openSync(recording.file, 'r')
    const chunk = Buffer.alloc(1 << 16)
    for (;;) {
      const length = readSync(file, chunk, 0, chunk.length, recording.position)
      if (length === 0) break
      recording.position += length
      const text = recording.rest + chunk.toString('latin1', 0, length)
      const lines = text.split('\n')
      recording.rest = lines.pop() ?? ''
      for (const line of lines) this.#note(line)
    }
    closeSync(file)
  }

  #note(line: string): void {
    const [target = '', sent, answered, name = ''] = line.split(' ')
    const lost = answered === '-'
    const probe: Probe = {
      sentMs: Number(sent),
      answeredMs: lost ? null : Number(answered),
      by: lost ? null : name,
    }
    const known = this.#probes.get(target as TargetName)
    if (known === undefined) this.#probes.set(target as TargetName, [probe])
    else known.push(probe)
  }
}
