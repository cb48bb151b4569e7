/**
 * Telephone calls through the pair: SIPp as caller and callee on the client's machine, and what they heard.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { longestGap, type Media, PACKET_MS, readMedia } from './media-gap.ts'
import { spread } from './outage.ts'
import { floatingIpOf, namespaceOf } from './plan.ts'
import { inside, must, PRIORITY, type Running, realtime, startProgram } from './process.ts'
import { calleeScenario, callerScenario, registerScenario } from './sip-scenario.ts'
import type { Lab } from './topology.ts'
import { VOIP_PORTS } from './voip-config.ts'

const CALLEE_PORT = 5_080
const CALLER_PORT = 5_070
const REGISTER_PORT = 5_090
const SETUP_MS = 15_000
/** So much of a stream shows that it flows. */
const FLOWING_MS = 500

export interface CallsPlan {
  count: number
  /** Calls begun per second. */
  rate: number
  /** From the answer to the re-INVITE. */
  holdMs: number
  ringMs?: number
}

export interface CallsResult {
  /** Calls whose re-INVITE and BYE were answered with 200. */
  survived: number
  failed: number
  /** What went in and out of the telephones; one stream per direction and call. */
  media: Media
}

/** What the telephones heard while something happened, ms. */
export interface Silence {
  /** Longest silence of each direction: the shortest of them, the middle one and the longest. */
  gapMs: { min: number; median: number; max: number }
  /** The telephones' own longest pause in speaking at that time. */
  controlMs: number
  directions: number
}

/** @returns null when nothing was heard at all */
export function silenceOf({ heard, said }: Media, fromMs: number, toMs: number): Silence | null {
  const begun = heard.filter(({ atMs }) => (atMs[0] ?? toMs) < fromMs)
  const gapMs = spread(begun.map((stream) => longestGap(stream, fromMs, toMs).ms))
  if (gapMs === null) return null
  const controlMs = Math.max(0, ...said.map((stream) => longestGap(stream, fromMs, toMs).ms))
  return { gapMs, controlMs, directions: begun.length }
}

/** Calls on their way. */
export class Calls {
  readonly #directory: string
  readonly #caller: Running
  readonly #callee: Running
  readonly #capture: Running
  readonly #plan: CallsPlan
  readonly #target: string

  private constructor(
    { directory, target }: { directory: string; target: string },
    plan: CallsPlan,
    programs: { caller: Running; callee: Running; capture: Running },
  ) {
    this.#directory = directory
    this.#target = target
    this.#plan = plan
    this.#caller = programs.caller
    this.#callee = programs.callee
    this.#capture = programs.capture
  }

  /** Registers the callee and begins all calls. */
  static async start(lab: Lab, plan: CallsPlan): Promise<Calls> {
    const directory = lab.plan.workDir
    const namespace = namespaceOf(lab.plan, 'client')
    const { ipv4 } = lab.plan.machines.client
    const target = floatingIpOf(lab.plan)
    const media = `${directory}/media.pcma`
    // Two seconds of silence in A-law.
    writeFileSync(media, Buffer.alloc(16_000, 0xd5))
    const { count, rate, holdMs, ringMs = 0 } = plan
    const scenarios = {
      register: registerScenario(`${ipv4}:${CALLEE_PORT}`),
      caller: callerScenario(holdMs, media),
      callee: calleeScenario(ringMs, media),
    }
    for (const [name, text] of Object.entries(scenarios)) {
      writeFileSync(`${directory}/${name}.xml`, text)
    }
    // Telephones are machines of their own: they do not wait for what the nodes do.
    const launch = async (name: string, command: readonly string[]): Promise<Running> =>
      startProgram(inside(namespace, await realtime(command, PRIORITY.application)), {
        logFile: `${directory}/${name}.out`,
      })
    const sipp = (name: string, port: number, more: readonly string[] = []): string[] => [
      ...['sipp', `${target}:${VOIP_PORTS.lb}`, '-sf', `${directory}/${name}.xml`],
      ...['-i', ipv4, '-p', String(port), '-mi', ipv4, '-nostdin', '-m', String(count), ...more],
    ]
    const registering = inside(namespace, [
      ...['sipp', `${target}:${VOIP_PORTS.lb}`, '-sf', `${directory}/register.xml`, '-i', ipv4],
      ...['-p', String(REGISTER_PORT), '-m', '1', '-nostdin', '-timeout', '5'],
    ])
    await must('register the callee', registering, { timeoutMs: SETUP_MS })
    const ports = `portrange ${VOIP_PORTS.rtpMin}-${VOIP_PORTS.rtpMax}`
    const relayed = `(src host ${target} and src ${ports}) or (dst host ${target} and dst ${ports})`
    const capture = await launch('capture', [
      ...['tcpdump', '-i', 'any', '-y', 'LINUX_SLL', '-n', '-s', '64', '-B', '16384', '-U'],
      ...['-w', `${directory}/media.pcap`],
      `udp and (${relayed} or (src host ${ipv4} and dst host ${ipv4}))`,
    ])
    const callee = await launch('callee', sipp('callee', CALLEE_PORT))
    await sleep(500)
    const caller = await launch(
      'caller',
      sipp('caller', CALLER_PORT, [
        ...['-r', String(rate), '-l', String(count)],
        ...['-trace_stat', '-stf', `${directory}/caller.csv`, '-fd', '1'],
      ]),
    )
    return new Calls({ directory, target }, plan, { caller, callee, capture })
  }

  /** What went in and out of the telephones so far. */
  media(): Media {
    try {
      return readMedia(readFileSync(`${this.#directory}/media.pcap`), {
        ...{ address: this.#target, min: VOIP_PORTS.rtpMin, max: VOIP_PORTS.rtpMax },
      })
    } catch {
      return { heard: [], said: [], past: 0 }
    }
  }

  /** Until media flows both ways in every call. */
  async untilEstablished(): Promise<void> {
    const endMs = performance.now() + SETUP_MS
    const wanted = 2 * this.#plan.count
    for (;;) {
      const { heard } = this.media()
      const flowing = heard.filter(({ atMs }) => atMs.length * PACKET_MS > FLOWING_MS).length
      if (flowing >= wanted) return
      if (performance.now() > endMs || this.#caller.ended()) {
        throw new Error(`lab: media flows in ${flowing} of ${wanted} directions`)
      }
      // A look reads all of the capture.
      await sleep(100 + 2 * this.#plan.count)
    }
  }

  /** To the end of all calls, or until nothing more can come of them. */
  async end(limitMs: number): Promise<CallsResult> {
    const endMs = performance.now() + limitMs
    while (!this.#caller.ended() && performance.now() < endMs) await sleep(50)
    for (const program of [this.#caller, this.#callee, this.#capture]) {
      if (!program.ended()) process.kill(program.pid, 'SIGINT')
    }
    await sleep(300)
    for (const program of [this.#caller, this.#callee, this.#capture]) {
      if (!program.ended()) process.kill(program.pid, 'SIGKILL')
    }
    const { survived, failed } = this.#counts()
    return { survived, failed, media: this.media() }
  }

  #counts(): { survived: number; failed: number } {
    const [titles = '', ...rows] = readFileSync(`${this.#directory}/caller.csv`, 'utf8')
      .trim()
      .split('\n')
    const last = rows.at(-1)?.split(';') ?? []
    const of = (title: string): number => Number(last[titles.split(';').indexOf(title)] ?? 0)
    return { survived: of('SuccessfulCall(C)'), failed: of('FailedCall(C)') }
  }
}
