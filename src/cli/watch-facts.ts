/**
 * What has changed since somebody began to watch? Facts worth noticing, read off each document and compared
 * with the first.
 *
 * A fact is a state in a word; figures that change all the time (loss, lags, times) are none.
 */
import type { StatusDocument } from '../control/schema.ts'
import { serviceWord } from '../control/service-word.ts'
import { storeWord } from '../control/store-word.ts'

export interface SeenChange {
  atIso: string
  sentence: string
}

/** More than any screen shows. */
const SEEN_MAX = 200

/** By name; the name is what the timeline says. */
export function factsOf(status: StatusDocument): Map<string, string> {
  const { node, peerNode, local, peer } = status
  const facts = new Map<string, string>([
    [node, local.state],
    [`term of ${node}`, String(local.term)],
    [`health of ${node}`, local.healthy ? 'healthy' : 'unhealthy'],
    [`maintenance of ${node}`, local.maintenance ? 'on' : 'off'],
    [`agent of ${node}`, `pid ${status.self.pid}`],
    [peerNode, peer.heard ? peer.state : 'silent'],
  ])
  // What a silent peer said last is not news.
  if (peer.heard) {
    facts.set(`health of ${peerNode}`, peer.healthy === true ? 'healthy' : 'unhealthy')
    facts.set(`maintenance of ${peerNode}`, peer.maintenance === true ? 'on' : 'off')
  }
  for (const { name, state } of status.paths) facts.set(`path ${name}`, state)
  for (const { address, state } of status.pingNodes) facts.set(`ping node ${address}`, state)
  for (const { address, present } of status.floatingIps) {
    facts.set(`floating IP ${address}`, present ? 'here' : 'not here')
  }
  for (const store of status.stores) facts.set(`store ${store.name}`, storeWord(store).text)
  for (const service of status.services) {
    facts.set(`service ${service.name}`, serviceWord(service).text)
  }
  for (const { sentence } of status.alarms) facts.set(`alarm: ${sentence}`, 'raised')
  return facts
}

/** Remembers what was noticed. */
export class Changes {
  #known: Map<string, string> | null = null
  #changed = new Set<string>()
  #seen: SeenChange[] = []

  /** Newest first. */
  get seen(): readonly SeenChange[] {
    return this.#seen
  }

  has(fact: string): boolean {
    return this.#changed.has(fact)
  }

  update(status: StatusDocument): void {
    const now = factsOf(status)
    const known = this.#known
    if (known !== null) {
      for (const [fact, value] of now) {
        const before = known.get(fact)
        if (before === value) continue
        this.#changed.add(fact)
        const sentence = fact.startsWith('alarm: ')
          ? fact
          : `${fact}: ${value}${before === undefined ? '' : `, was ${before}`}`
        this.#note({ atIso: status.timeIso, sentence })
      }
      for (const fact of known.keys()) {
        if (now.has(fact) || !fact.startsWith('alarm: ')) continue
        this.#note({ atIso: status.timeIso, sentence: `mended: ${fact.slice('alarm: '.length)}` })
        known.delete(fact)
      }
    }
    // What is not told for a while (of a peer that fell silent) is compared with what was told last.
    this.#known = new Map([...(known ?? []), ...now])
  }

  /** From now on only what changes later is marked. The timeline keeps what was seen. */
  forget(): void {
    this.#changed = new Set()
  }

  #note(change: SeenChange): void {
    this.#seen = [change, ...this.#seen].slice(0, SEEN_MAX)
  }
}
