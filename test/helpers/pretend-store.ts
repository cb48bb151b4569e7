/**
 * A store that does what it is told at once, writes down what that was, and fails where a test wants it.
 * For tests of who asks for what and in which order; what real servers do is tested on real servers.
 */
import type {
  CopyRequest,
  RejoinWay,
  ReplicatedStore,
  StoreArchive,
  StoreComparison,
  StoreFault,
  StoreFinding,
  StorePosition,
  StoreReport,
  StoreResult,
  StoreRole,
} from '../../src/resources/replicated-store.ts'

export const REPORT: StoreReport = {
  role: 'read-only',
  position: { history: 'a', offset: 7 },
  following: true,
  applies: true,
  backlog: 0,
  logBytes: null,
  confirmsTogether: false,
  hazards: [],
  version: '1.0',
}
export const SAME: StoreComparison = { verdict: 'same', ours: 0, sentence: 'the peer has it all' }
export const AHEAD: StoreComparison = { verdict: 'ahead', ours: 3, sentence: '3 are only here' }
export const FAULT: StoreFault = { code: 'HA_STORE_REFUSED', message: 'it will not' }

export class PretendStore implements ReplicatedStore {
  readonly name: string
  readonly kind = 'redis'
  freezesAtOnce = true
  readonly asked: string[]
  report: StoreReport = REPORT
  comparison: StoreComparison = SAME
  /** Calls that fail, and how. */
  faults: Partial<Record<string, StoreFault>> = {}
  /** Calls that end only when the test lets them. */
  readonly held = new Map<string, Promise<void>>()

  /** @param asked  what was asked, by name of the store; may be shared by several */
  constructor(name = 'store', asked: string[] = []) {
    this.name = name
    this.asked = asked
  }

  /** Holds a call up. The returned function lets it go on. */
  hold(call: string): () => void {
    let release = (): void => undefined
    this.held.set(
      call,
      new Promise((resolve) => {
        release = resolve
      }),
    )
    return release
  }

  monitor = (): Promise<StoreResult<StoreReport>> => this.#do('monitor', this.report)
  freeze = (): Promise<StoreResult<StorePosition>> => this.#do('freeze', this.report.position)
  unfreeze = (): Promise<StoreResult<void>> => this.#do('unfreeze', undefined)
  peerReached = (): Promise<StoreResult<void>> => this.#do('peerReached', undefined)
  drain = (): Promise<StoreResult<StorePosition>> => this.#do('drain', this.report.position)
  promote = (): Promise<StoreResult<void>> => this.#do('promote', undefined)
  demote = (): Promise<StoreResult<void>> => this.#do('demote', undefined)
  dropClients = (): Promise<StoreResult<number>> => this.#do('dropClients', 0)
  probe = (role: StoreRole): Promise<StoreResult<void>> => this.#do(`probe ${role}`, undefined)
  confirm = (alone: boolean): Promise<StoreResult<void>> => this.#do(`confirm ${alone}`, undefined)
  compare = (): Promise<StoreResult<StoreComparison>> => this.#do('compare', this.comparison)
  archive = (directory: string): Promise<StoreResult<StoreArchive>> =>
    this.#do('archive', { paths: [directory], count: 3, sentence: '3 set aside' })
  rejoin = (): Promise<StoreResult<RejoinWay>> => this.#do('rejoin', 'resumed')
  copy = async (request: CopyRequest): Promise<StoreResult<StoreArchive>> => {
    const archive = { paths: [request.directory], count: 3, sentence: '3 set aside' }
    request.tell('copying')
    const copied = await request.whenStill(() => this.#do('copy', archive))
    return copied ?? { ok: false, fault: { ...FAULT, message: 'the role changed' }, durationMs: 1 }
  }
  inspect = (): Promise<StoreResult<readonly StoreFinding[]>> => this.#do('inspect', [])
  kill = (): Promise<StoreResult<void>> => this.#do('kill', undefined)
  settings = (): Promise<StoreResult<ReadonlyMap<string, string>>> =>
    this.#do('settings', new Map([['size', '7']]))
  directories = (): Promise<StoreResult<readonly string[]>> => this.#do('directories', ['/data'])
  close(): void {
    this.asked.push(`${this.name} close`)
  }

  async #do<Value>(call: string, value: Value): Promise<StoreResult<Value>> {
    this.asked.push(`${this.name} ${call}`)
    await this.held.get(call)
    const fault = this.faults[call]
    return fault === undefined
      ? { ok: true, value, durationMs: 1 }
      : { ok: false, fault, durationMs: 1 }
  }
}

/** Lets everything that waits for nothing but its turn go on. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve()
}
