/**
 * How is a service run that monit looks after?
 *
 * By telling monit, which carries out orders when it comes to them: a start or stop is waited for until
 * monit says so. A start turns monitoring on, a stop leaves it off, so that monit starts nothing by itself
 * that we stopped. What monit does not monitor it tells nothing of: a process that was started by hand
 * then, and that we never saw, counts as stopped here, and a stop still reaches it through monit.
 */
import { lookAtProcess, type ProcessIdentity, processRuns } from '../system/process.ts'
import {
  familyOf,
  killAll,
  type ProcessRow,
  processTable,
  sharedTable,
} from '../system/process-table.ts'
import type { StoreFinding } from './replicated-store.ts'
import type { ManagedService, ProcessId, ServiceReport, ServiceResult } from './service.ts'
import type { MonitServiceConfig } from './service-config.ts'
import { MonitDoor } from './service-monit-door.ts'
import {
  executionFailed,
  type MonitFacts,
  monitFindings,
  monitState,
  monitWords,
  readMonit,
} from './service-monit-text.ts'
import { answer, graceOf, ServiceFailure, Turns } from './service-result.ts'
import { identityOf, isSame, MainWatch, processId } from './service-watch.ts'
import { type Limit, pause } from './store-result.ts'

/** Between two looks while monit is waited for. */
const LOOK_EVERY_MS = 100

/** Part of the limit kept for saying that it was not enough. */
const LAST_WORD_MS = 50

export class MonitService implements ManagedService {
  readonly name: string
  readonly #config: MonitServiceConfig
  readonly #door: MonitDoor
  readonly #watch = new MainWatch()
  readonly #turns = new Turns()

  constructor(config: MonitServiceConfig) {
    this.name = config.name
    this.#config = config
    this.#door = new MonitDoor(config)
  }

  look(limitMs: number): Promise<ServiceResult<ServiceReport>> {
    return answer(limitMs, async (limit) => {
      const facts = await this.#facts(limit, `look at ${this.name}`)
      const main = this.#main()
      return {
        state: monitState(facts, main !== null),
        main: main === null ? null : processId(main),
        pids: main === null ? [] : familyOf(main, sharedTable(main)).map(({ pid }) => pid),
        detail: monitWords(facts),
      }
    })
  }

  start(limitMs: number): Promise<ServiceResult<void>> {
    const label = `start of ${this.name}`
    return answer(limitMs, (limit) =>
      this.#turns.take(limit, label, () => this.#start(limit, label)),
    )
  }

  stop(limitMs: number): Promise<ServiceResult<void>> {
    const label = `stop of ${this.name}`
    return answer(limitMs, (limit) =>
      this.#turns.take(limit, label, () => this.#stop(limit, label)),
    )
  }

  onEnd(listener: () => void): void {
    this.#watch.onEnd(() => listener())
  }

  /** monit knows its processes. */
  record(): ProcessId | null {
    return null
  }

  async adopt(id: ProcessId): Promise<boolean> {
    const looked = await this.look(2000)
    const main = this.#main()
    return looked.ok && main !== null && isSame(main, identityOf(id))
  }

  close(): void {
    this.#watch.close()
  }

  /** What an operator has to mend, so that nobody but us starts it. Changes nothing. */
  inspect(limitMs: number): Promise<ServiceResult<readonly StoreFinding[]>> {
    return answer(limitMs, async (limit) => {
      const facts = await this.#facts(limit, `look at ${this.name}`)
      return monitFindings(this.#config.monitName, facts)
    })
  }

  async #start(limit: Limit, label: string): Promise<void> {
    let ordered = false
    for (;;) {
      const facts = await this.#facts(limit, label)
      const idle = facts.pending === ''
      if (idle && facts.monitor !== 0 && this.#main() !== null) return
      if (ordered && idle && executionFailed(facts)) {
        throw new ServiceFailure(
          'HA_SERVICE_FAILED',
          `${label}: monit tried, and says of ${this.#config.monitName}: ${monitWords(facts)}`,
        )
      }
      ordered ||= await this.#door.order('start', limit, label)
      await this.#wait(limit, label, facts)
    }
  }

  async #stop(limit: Limit, label: string): Promise<void> {
    const graceEndMs = performance.now() + graceOf(limit)
    await this.#facts(limit, label)
    // Those of now: its children lose their parent with it.
    const main = this.#main()
    const family = main === null ? [] : familyOf(main, processTable())
    const left = (): ProcessRow[] => (main === null ? [] : leftOf(main, family))
    let ordered = false
    for (;;) {
      ordered ||= await this.#door.order('stop', limit, label)
      await pause(Math.min(LOOK_EVERY_MS, limit.leftMs()))
      const facts = await this.#facts(limit, label)
      const idle = facts.pending === ''
      const done = ordered && idle && facts.monitor === 0
      // monit has given up, or is too slow: what it started must not go on.
      const useless = ordered && idle && executionFailed(facts)
      if (done || useless || performance.now() >= graceEndMs) {
        const stays = await killAll(left, Math.max(1, limit.leftMs() - LAST_WORD_MS))
        if (stays.length > 0) {
          throw new ServiceFailure(
            'HA_SERVICE_TIMEOUT',
            `${label}: still there after SIGKILL and ${limit.limitMs} ms: ${stays.map(({ pid }) => pid).join(', ')}`,
          )
        }
        if (done) return
        if (idle) await this.#door.order('unmonitor', limit, label)
      }
      await this.#wait(limit, label, facts)
    }
  }

  /** @throws ServiceFailure  when there is no time for another look */
  async #wait(limit: Limit, label: string, facts: MonitFacts): Promise<void> {
    if (limit.leftMs() <= LAST_WORD_MS + LOOK_EVERY_MS) {
      throw new ServiceFailure(
        'HA_SERVICE_TIMEOUT',
        `${label}: after ${limit.limitMs} ms monit says of ${this.#config.monitName}: ${monitWords(facts)}; it may still happen`,
      )
    }
    await pause(LOOK_EVERY_MS)
  }

  async #facts(limit: Limit, label: string): Promise<MonitFacts> {
    const read = readMonit(await this.#door.status(limit, label), this.#config.monitName)
    if (read.ok) {
      const sight = read.facts.pid === null ? null : lookAtProcess(read.facts.pid)
      if (sight !== null && !sight.zombie) {
        this.#watch.follow({ pid: sight.pid, startTicks: sight.startTicks })
      }
      return read.facts
    }
    const { monitName } = this.#config
    const where = `${label}: monit at ${this.#door.place}`
    switch (read.why) {
      case 'unknown':
        throw new ServiceFailure(
          'HA_SERVICE_MISSING',
          `${where} knows no service ${monitName}: mend the name, or have monit read its configuration again`,
        )
      case 'other':
        throw new ServiceFailure(
          'HA_SERVICE_REFUSED',
          `${where} has ${monitName}, but that is no "check process", so there is nothing to start and stop`,
        )
      case 'garbled':
        throw new ServiceFailure(
          'HA_SERVICE_REFUSED',
          `${where} did not answer with its status document`,
        )
    }
  }

  /** The main process, if it runs. */
  #main(): ProcessIdentity | null {
    const { followed } = this.#watch
    return followed !== null && processRuns(followed) ? followed : null
  }
}

/** What still runs of those that belonged to it, and of what belongs to it now. */
function leftOf(main: ProcessIdentity, family: readonly ProcessRow[]): ProcessRow[] {
  const table = processTable()
  const now = familyOf(main, table)
  const before = table.filter((row) => !row.over && family.some((member) => isSame(member, row)))
  return [...now, ...before.filter((row) => !now.some((member) => isSame(member, row)))]
}
