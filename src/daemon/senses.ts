/**
 * What does the heart hear and see? Heartbeats, ping rounds, address probes, links, and the clients'
 * connections that the peer told of.
 *
 * Opens everything on the network that the heart uses, and closes it again. What arrives is handed on;
 * nothing is judged here.
 */
import type { PairConfig } from '../config/config.ts'
import type { DrainWord } from '../core/drain.ts'
import type { Heartbeat } from '../core/heartbeat.ts'
import { AddressWatch } from '../links/address-watch.ts'
import { ClientConnections } from '../links/client-connections.ts'
import { HeartbeatLinks } from '../links/heartbeat-links.ts'
import { drawIdentifiers } from '../links/icmp-identifier.ts'
import { FactHearing } from '../links/peer-facts.ts'
import { PingNodes, roundRhythm } from '../links/ping-nodes.ts'
import { Tickler } from '../links/tickle.ts'
import { AddressVerifier } from '../links/verify-address.ts'
import type { Recorder } from '../record/recorder.ts'
import { type IcmpPort, openIcmp } from '../system/icmp.ts'
import { native } from '../system/native.ts'
import { decodeDrainWord, encodeDrainWord } from '../wire/drain-word.ts'
import type { FactPart } from '../wire/fact-list.ts'
import type { PairKey } from '../wire/key.ts'
import { AddressView } from './address-view.ts'
import type { Hands } from './hands.ts'
import { LinkHealth } from './link-health.ts'
import type { Happening } from './loop.ts'

export interface SensesOptions {
  config: PairConfig
  keys: readonly PairKey[]
  /** Of this start, as in our heartbeats. */
  boot: string
  hands: Hands
  take: (happening: Happening) => void
  /** Learns how each heartbeat came, and who else claims an address. */
  recorder: Recorder
  /** Somebody answered for, probed for or claimed a floating IP. */
  conflict: (kind: 'answer' | 'probe' | 'announcement') => void
  /** Something is appended to a heartbeat that was just handed on; see `HeartbeatLinks`. */
  appended: (bytes: Buffer, heartbeat: Heartbeat, sentMs: number | null) => void
  /** What the peer knows an operator to want of the pair. */
  drainWord: (word: DrainWord) => void
  /** Start of the peer that is heard now. */
  peerBoot: () => string | null
  /** The peer told a part of what it runs with, or of its alarms. */
  facts: (part: FactPart) => void
  warn: (event: string, text: string) => void
}

const CONFLICT_WORDS = { answer: 'answers for', probe: 'probes for', announcement: 'announces' }

export class Senses {
  readonly links: HeartbeatLinks
  readonly pingNodes: PingNodes
  readonly addressWatch: AddressWatch
  readonly addressView: AddressView
  readonly linkHealth: LinkHealth
  readonly clients: ClientConnections
  readonly #node: PairConfig['node']
  #keys: readonly PairKey[]
  readonly #facts: FactHearing
  readonly #icmp: { 4: IcmpPort | null; 6: IcmpPort | null }

  constructor(options: SensesOptions) {
    const { config, hands, warn } = options
    this.#node = config.node
    this.#keys = options.keys
    const { pingNodes, floatingIps } = config
    const { timing } = config.policy
    const now = native.bootTimeMs
    const identifiers = drawIdentifiers(config.port)
    const openPort = (family: 4 | 6): IcmpPort | null =>
      pingNodes.some((node) => node.family === family)
        ? openIcmp({
            family,
            identifier: identifiers.rounds,
            ...roundRhythm(timing.roundMs),
            onTrouble: (message) => warn('icmp', message),
          })
        : null
    const icmp = { 4: openPort(4), 6: openPort(6) }
    this.#icmp = icmp
    this.clients = new ClientConnections({
      node: config.node,
      boot: options.boot,
      floatingIps: floatingIps.map(({ address }) => address),
      keys: options.keys,
      tickler: new Tickler({ now }),
      now,
    })
    this.#facts = new FactHearing(config.node, options.keys)
    this.links = new HeartbeatLinks({
      node: config.node,
      port: config.port,
      paths: config.paths,
      pingNodes,
      keys: options.keys,
      intervalMs: timing.heartbeatMs,
      icmp,
      now,
      onHeartbeat: (heartbeat, direct, _atMs, path) => {
        options.recorder.heardOn(direct, path)
        options.take({ type: 'heartbeat', heartbeat, direct })
      },
      onAppended: options.appended,
      onConnections: (bytes) => this.clients.hear(bytes, options.peerBoot()),
      onDrainWord: (bytes) => {
        const read = decodeDrainWord(bytes, this.#keys)
        if (read !== null && read.node !== config.node) options.drainWord(read.word)
      },
      onFacts: (bytes) => {
        const part = this.#facts.hear(bytes, options.peerBoot())
        if (part !== null) options.facts(part)
      },
      complain: (sentence) => warn('heartbeat', sentence),
    })
    this.pingNodes = new PingNodes({
      pingNodes,
      icmp,
      now,
      onPong: (round, pingNode) => options.take({ type: 'pong', round, pingNode }),
    })
    const verifier = new AddressVerifier({ pingNodes, icmp, identifier: identifiers.verify })
    this.addressView = new AddressView(
      floatingIps,
      pingNodes.map((node) => node.family),
      (address, timeoutMs) => verifier.verify(address, timeoutMs),
      now,
    )
    this.addressWatch = new AddressWatch({
      floatingIps,
      door: {
        ...native,
        carrier: (name) => hands.carrier(name),
        linkState: (name) => hands.linkState(name),
      },
      onConflict: ({ address, byMac, kind }) => {
        this.addressView.noteConflict({ address, mac: byMac, kind })
        options.recorder.note('address', `${byMac} ${CONFLICT_WORDS[kind]} ${address}`)
        options.conflict(kind)
      },
    })
    this.linkHealth = new LinkHealth({
      interfaces: config.serviceInterfaces,
      carrier: (name) => hands.carrier(name),
      downAfterMs: timing.gapMs,
      upAfterMs: timing.dampingMs,
    })
  }

  /** Tells the peer what an operator wants of the pair. */
  sendDrainWord(word: DrainWord): void {
    const [key] = this.#keys
    if (key !== undefined) this.links.sendBeside(encodeDrainWord(this.#node, word, key))
  }

  useKeys(keys: readonly PairKey[]): void {
    if (keys.length > 0) this.#keys = keys
    this.links.useKeys(keys)
    this.clients.useKeys(keys)
    this.#facts.useKeys(keys)
  }

  close(): void {
    this.clients.stop()
    this.links.close()
    this.#icmp[4]?.close()
    this.#icmp[6]?.close()
    this.addressWatch.close()
  }
}
