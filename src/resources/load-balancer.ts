/**
 * What does a load-balancer have of this pair, and how is it told? The dispatcher of Kamailio and that of
 * OpenSIPS, asked through their management interfaces.
 *
 * | of the pair | Kamailio | OpenSIPS |
 * | --- | --- | --- |
 * | takes calls | flags `A`, `T` (its probes have just begun to fail): selected | `Active` |
 * | takes none, as told | `D`: not selected, not probed | `Inactive` |
 * | its own probes get no answer | `I` | `Probing` |
 *
 * Both forget what they were told when they read their list again or start. Kamailio takes the number of
 * a set only as a number, and says "State Update Failed" for a set or destination it does not have.
 *
 * @source seen with Kamailio 5.6.3; OpenSIPS 3.x, modules/dispatcher (`ds_mi_set`, `ds_print_mi_list`)
 */
import type { LoadBalancerConfig } from '../config/config.ts'
import type { SeenState } from '../core/drain.ts'
import { KamailioRpc } from './checks/kamailio-rpc.ts'
import { quote } from './checks/words.ts'
import { isRecord, type RpcResult } from './json-rpc.ts'
import { callOpensips } from './opensips-mi.ts'

export type BalancerLook = { ok: true; seen: SeenState } | { ok: false; message: string }

/** One dispatcher, and our destination in it. Holds nothing open. */
export interface LoadBalancer {
  /** Never rejects; ends within the limit. */
  look(limitMs: number): Promise<BalancerLook>
  /** @returns why it did not take it; null when it did */
  tell(state: 'active' | 'drained', limitMs: number): Promise<string | null>
}

/** One line of a dispatcher's list. */
interface Listed {
  set: number
  uri: string
  seen: SeenState | null
}

export function openLoadBalancer(config: LoadBalancerConfig): LoadBalancer {
  const { set, destination } = config
  const look = (answer: RpcResult, listed: (result: unknown) => Listed[]): BalancerLook => {
    if (!answer.ok) return { ok: false, message: answer.message }
    const ofSet = listed(answer.result).filter((line) => line.set === set)
    const ours = ofSet.find(({ uri }) => uri === destination)
    if (ours === undefined) return { ok: false, message: missing(config, ofSet) }
    if (ours.seen !== null) return { ok: true, seen: ours.seen }
    return { ok: false, message: `its list says of ${destination} what no release does` }
  }
  if (config.kind === 'kamailio') {
    const rpc = new KamailioRpc(config)
    return {
      look: async (limitMs) => look(await rpc.call('dispatcher.list', [], limitMs), kamailioList),
      tell: async (state, limitMs) => {
        const params = [state === 'active' ? 'a' : 'd', set, destination]
        return whyNot(await rpc.call('dispatcher.set_state', params, limitMs))
      },
    }
  }
  return {
    look: async (limitMs) => look(await callOpensips(config, 'ds_list', [], limitMs), opensipsList),
    tell: async (state, limitMs) => {
      const params = [state === 'active' ? 'a' : 'i', String(set), destination]
      return whyNot(await callOpensips(config, 'ds_set_state', params, limitMs))
    },
  }
}

function whyNot(answer: RpcResult): string | null {
  return answer.ok ? null : answer.message
}

function missing({ set, destination }: LoadBalancerConfig, ofSet: readonly Listed[]): string {
  const has =
    ofSet.length === 0 ? 'nothing' : quote([...new Set(ofSet.map(({ uri }) => uri))].join(', '))
  return `set ${set} of its list does not have ${destination}, it has ${has}`
}

/** `RECORDS` of sets, each with `TARGETS`, each with `DEST`. */
function kamailioList(result: unknown): Listed[] {
  return items(result, 'RECORDS').flatMap((record) => {
    const set = field(record, 'SET')
    const id = Number(field(set, 'ID'))
    return items(set, 'TARGETS').map((target) => {
      const destination = field(target, 'DEST')
      const flags = String(field(destination, 'FLAGS') ?? '')
      return { set: id, uri: String(field(destination, 'URI')), seen: stateOfFlags(flags) }
    })
  })
}

function stateOfFlags(flags: string): SeenState | null {
  switch (flags[0]) {
    case 'A':
    case 'T':
      return 'active'
    case 'D':
      return 'drained'
    case 'I':
      return 'down'
    default:
      return null
  }
}

/** `PARTITIONS`, each with `SETS`, each with `Destinations`; a set without a partition is of `default`. */
function opensipsList(result: unknown): Listed[] {
  const partition = items(result, 'PARTITIONS').find((one) => field(one, 'name') === 'default')
  return items(partition, 'SETS').flatMap((set) =>
    items(set, 'Destinations').map((destination) => ({
      set: Number(field(set, 'id')),
      uri: String(field(destination, 'URI')),
      seen: STATES.get(String(field(destination, 'state'))) ?? null,
    })),
  )
}

const STATES: ReadonlyMap<string, SeenState> = new Map([
  ['Active', 'active'],
  ['Inactive', 'drained'],
  ['Probing', 'down'],
])

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined
}

function items(value: unknown, name: string): readonly unknown[] {
  const list = field(value, name)
  return Array.isArray(list) ? list : []
}
