/**
 * Everything that is watched while a role moves, started before and read afterwards.
 *
 * The addresses are asked by a process of its own (`prober.ts`), SIP and stores from here. How late each of the two
 * came to its rounds is kept: what is shorter than that is our own doing and proves nothing.
 */

import { fileURLToPath } from 'node:url'
import { placeText } from '../config/check-place.ts'
import type { FloatingIp, PairConfig, StoreConfig } from '../config/config.ts'
import type { NodeName } from '../core/policy.ts'
import { peerOf } from '../core/policy.ts'
import { type Following, follow } from '../system/exec.ts'
import { addressKey } from '../wire/ip-address.ts'
import { mirrorAddresses, ownAddresses } from './address-probe.ts'
import { PROBED_MAX, sipTargets } from './plan.ts'
import { type ProberArgument, proberWord } from './prober-words.ts'
import type { NotMeasured, Strip } from './report.ts'
import { type Answer, countable, spansOf, type Window } from './samples.ts'
import { SipProbe } from './sip-probe.ts'
import { openStoreDoors, StoreProbe } from './store-probe.ts'

const ROUND_MS = 5
/** Three rounds without an answer are a break. */
const BRIDGE_MS = 20
/** Until everything that can answer has, before anything happens. */
const WARM_UP_MS = 1_200

/** The process that asks; collecting garbage is its own work, as the heart's. */
const PROBER = fileURLToPath(new URL('./prober.js', import.meta.url))
const ENGINE = ['--single-threaded-gc', '--max-semi-space-size=1']
const TOLD_WITHIN_MS = 200
/** To its first answer: on a busy host a program takes seconds to start. */
const PROBER_WITHIN_MS = 10_000

interface Late {
  atMs: number
  ms: number
}

interface Asked {
  floatingIp: FloatingIp
  answers: Answer[]
  /** Somebody can be asked while this node has it. */
  isMirrored: boolean
}

/** One thing with its answers. */
export interface Series {
  kind: 'address' | 'sip' | 'store'
  name: string
  /** Who can have answered for a client elsewhere. */
  answers: readonly Answer[]
  /** Pauses up to this are none. */
  bridgeMs: number
  /** Nobody can be asked whether it is reached while this node has it. */
  blind: NodeName | null
  /** Confirmed writes that are gone; null: it is no store. */
  lost: number | null
  confirmed: number | null
  trouble: string | null
}

export class Instruments {
  readonly notMeasured: NotMeasured[] = []
  readonly #config: PairConfig
  readonly #now: () => number
  readonly #zeroMs: number
  readonly #addresses: readonly Asked[]
  #prober: Following | null = null
  #proberTrouble: string | null = null
  readonly #sips: SipProbe[] = []
  readonly #stores: StoreProbe[] = []
  #own: ReadonlySet<string> = ownAddresses()
  #timer: NodeJS.Timeout | null = null
  #stopped = false
  readonly #late: Readonly<Record<'prober' | 'own', Late[]>> = { prober: [], own: [] }

  /**
   * @param zeroMs  on `machineMs`, where `now` counts from
   */
  constructor(config: PairConfig, zeroMs: number, now: () => number) {
    this.#config = config
    this.#zeroMs = zeroMs
    this.#now = now
    this.#addresses = config.floatingIps.slice(0, PROBED_MAX).map((floatingIp) => {
      const isMirrored = mirrorAddresses(config, floatingIp).length > 0
      return { floatingIp, answers: [], isMirrored }
    })
  }

  /** Begins to ask. @returns why nothing can be measured at all; null when it goes on */
  async start(): Promise<string | null> {
    this.#startProber()
    for (const target of sipTargets(this.#config)) {
      const by = (): NodeName => this.#holderOf(target.address)
      this.#sips.push(new SipProbe(target, by, this.#now))
    }
    this.#round(this.#now())
    const untilMs = this.#now() + PROBER_WITHIN_MS
    const answers = (): boolean => this.#addresses.some((asked) => asked.answers.length > 0)
    while (!answers() && this.#proberTrouble === null && this.#now() < untilMs) {
      await pause(ROUND_MS)
    }
    await pause(WARM_UP_MS)
    const answering = this.#addresses.filter((asked) => asked.answers.length > 0)
    if (this.#proberTrouble !== null) {
      return `no echo request can be sent: ${this.#proberTrouble}; run it as root`
    }
    if (answering.length === 0) {
      return 'no floating IP answers a ping from here: neither echo requests to it nor from it'
    }
    for (const store of this.#config.stores) await this.#openStore(store, answering)
    await pause(this.#stores.length > 0 ? WARM_UP_MS : 0)
    return null
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    await Promise.all(this.#stores.map((store) => store.stop()))
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await Promise.all(this.#sips.map((sip) => sip.settle()))
    // What is still to be told of the last answers.
    await pause(TOLD_WITHIN_MS)
    await this.#prober?.stop()
  }

  /** What answered, with who did. */
  series(): Series[] {
    const { node: us } = this.#config
    const proofs = this.#addresses.map((probe) => ({
      key: addressKey(probe.floatingIp.address),
      answers: probe.answers,
    }))
    // Those of SIP and stores that this node answered itself count while an address of ours was reached.
    const proven = (address: string): readonly Answer[] =>
      proofs.find(({ key }) => key === addressKey(address))?.answers ??
      proofs.find(({ answers }) => answers.length > 0)?.answers ??
      []
    const plain = { blind: null, lost: null, confirmed: null }
    return [
      ...this.#addresses.map(({ floatingIp, answers, isMirrored }) => ({
        ...{ kind: 'address' as const, name: floatingIp.address, answers },
        ...{ bridgeMs: BRIDGE_MS, trouble: null, ...plain, blind: isMirrored ? null : us },
      })),
      ...this.#sips.map(({ target, answers, everyMs, trouble }) => ({
        ...{ kind: 'sip' as const, name: `${target.transport} ${placeText(target)}` },
        answers: countable(answers, us, proven(target.address), BRIDGE_MS),
        ...{ bridgeMs: 3 * everyMs, trouble, ...plain },
      })),
      ...this.#stores.map(({ name, answers, lost, confirmed, trouble }) => ({
        ...{ kind: 'store' as const, name, answers, bridgeMs: 2 * BRIDGE_MS },
        ...{ blind: null, trouble, lost, confirmed },
      })),
    ]
  }

  /** The longest time by which the prober, or this command itself, was late within a window. */
  lateMs(who: 'prober' | 'own', { fromMs, toMs }: Window): number {
    const within = this.#late[who].filter(({ atMs, ms }) => atMs >= fromMs && atMs - ms <= toMs)
    return Math.max(0, ...within.map(({ ms }) => ms))
  }

  strips(): Strip[] {
    return this.series().map(({ kind, name, answers, bridgeMs }) => ({
      name: kind === 'store' ? `writes to ${name}` : kind === 'sip' ? `SIP ${name}` : name,
      spans: spansOf(answers, bridgeMs).map(({ by, fromMs, toMs }) => ({
        ...{ by, fromMs: Math.round(fromMs), toMs: Math.round(toMs) },
      })),
    }))
  }

  #startProber(): void {
    const { node, pingNodes, paths, serviceInterfaces } = this.#config
    const floatingIps = this.#addresses.map(({ floatingIp }) => floatingIp)
    const argument: ProberArgument = {
      config: { node, pingNodes, paths, serviceInterfaces, floatingIps },
      zeroMs: this.#zeroMs,
    }
    this.#prober = follow({
      label: 'ask the floating IPs',
      command: process.execPath,
      args: [...ENGINE, PROBER, JSON.stringify(argument)],
      onLine: (line) => this.#hear(line),
      onEnd: (message) => {
        this.#proberTrouble = message
      },
    })
  }

  #hear(line: string): void {
    const word = proberWord(line)
    switch (word?.type) {
      case undefined:
        return
      case 'trouble':
        this.#proberTrouble = word.message
        return
      case 'late':
        this.#late.prober.push({ atMs: word.atMs, ms: word.ms })
        return
      case 'answer': {
        const { index, sentMs, atMs, by } = word
        this.#addresses[index]?.answers.push({ sentMs, atMs, by })
      }
    }
  }

  /** Through the first floating IP where that server can be written to. */
  async #openStore(store: StoreConfig, answering: readonly Asked[]): Promise<void> {
    let why = 'no floating IP of a family that it listens on'
    for (const { floatingIp } of answering) {
      const doors = await openStoreDoors(store, floatingIp)
      if (typeof doors === 'string') {
        why = doors
        break
      }
      const by = (): NodeName => this.#holderOf(floatingIp.address)
      const probe = new StoreProbe(store.name, doors, { by, us: this.#config.node, now: this.#now })
      probe.start()
      const untilMs = this.#now() + WARM_UP_MS
      while (probe.confirmed === 0 && this.#now() < untilMs) await pause(ROUND_MS)
      if (probe.confirmed > 0) {
        this.#stores.push(probe)
        return
      }
      why = probe.trouble ?? 'no write was confirmed'
      await probe.stop()
    }
    this.notMeasured.push({
      ...{ what: `writes to ${store.name}`, why },
      mend: 'let the account of tandem.stores reach that server through a floating IP',
    })
  }

  /** Who has an address now: this node, or the other as far as we know. */
  #holderOf(address: string): NodeName {
    const { node } = this.#config
    return this.#own.has(addressKey(address)) ? node : peerOf(node)
  }

  #round(dueMs: number): void {
    if (this.#stopped) return
    const nowMs = this.#now()
    if (nowMs - dueMs > 1) this.#late.own.push({ atMs: nowMs, ms: nowMs - dueMs })
    this.#own = ownAddresses()
    for (const store of this.#stores) store.look()
    for (const sip of this.#sips) sip.ask()
    const nextMs = Math.max(dueMs + ROUND_MS, this.#now())
    this.#timer = setTimeout(() => this.#round(nextMs), Math.max(0, nextMs - this.#now()))
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
