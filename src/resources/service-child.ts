/**
 * How is a service run where there is no service manager? As a process of our own that we are not needed
 * for: it goes on when the agent ends, and the next agent takes it over by its id and start.
 *
 * It has to stay in the foreground. SIGTERM goes to its main process alone, because that is the one that
 * tells the others; SIGKILL goes to all of its session, because workers that were left would keep its
 * sockets. A program that makes a session of its own and leaves its parent is out of our sight.
 */
import { userInfo } from 'node:os'
import {
  type Account,
  DEFAULT_PATH,
  type LaunchEnd,
  type Launched,
  launch,
} from '../system/launch.ts'
import { type ProcessIdentity, processRuns } from '../system/process.ts'
import {
  carriesVariable,
  familyOf,
  killAll,
  type ProcessRow,
  processTable,
  sharedTable,
  signal,
} from '../system/process-table.ts'
import type { ManagedService, ProcessId, ServiceReport, ServiceResult } from './service.ts'
import type { CommandServiceConfig } from './service-config.ts'
import { openLog, trimLog } from './service-log.ts'
import { accountOf, needProgram } from './service-program.ts'
import { answer, becomes, graceOf, inTime, ServiceFailure, Turns } from './service-result.ts'
import { identityOf, isSame, MainWatch, processId } from './service-watch.ts'
import { type Limit, pause } from './store-result.ts'

/** In the environment of what we start, and of its children. */
const MARK = 'TANDEM_SERVICE'

/** What children may take to end after their main process has, before they are killed. */
const CHILDREN_GRACE_MS = 250

/** Node hears of the end of a child a moment after the kernel told us. */
const REAP_MS = 100

/** Part of the limit kept for saying that it was not enough. */
const LAST_WORD_MS = 20

const LOOK_EVERY_MS = 5

export class CommandService implements ManagedService {
  readonly name: string
  readonly #config: CommandServiceConfig
  readonly #watch = new MainWatch()
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()
  /** The main process, running or not, as long as anything of it may be left. */
  #leader: ProcessIdentity | null = null
  /** Null: started by an earlier agent. */
  #launched: Launched | null = null
  /** Only what carries our mark is believed: the leader ended while nobody looked. */
  #doubted = false
  #under: 'starting' | 'stopping' | null = null
  /** We told the leader to end. */
  #told = false
  /** How it ended the last time. */
  #end: { failed: boolean; sentence: string } | null = null
  #trimming = false

  constructor(config: CommandServiceConfig) {
    this.#config = config
    this.name = config.name
    this.#watch.onEnd((ended) => void this.#tellEnd(ended))
  }

  look(limitMs: number): Promise<ServiceResult<ServiceReport>> {
    this.#trim()
    return answer(limitMs, async () => this.#report())
  }

  start(limitMs: number): Promise<ServiceResult<void>> {
    const label = `start of ${this.name}`
    return this.#change(limitMs, label, async (limit) => {
      if (this.#runs()) return
      this.#under = 'starting'
      try {
        await this.#launch(limit, label)
      } finally {
        this.#under = null
      }
    })
  }

  stop(limitMs: number): Promise<ServiceResult<void>> {
    const label = `stop of ${this.name}`
    return this.#change(limitMs, label, async (limit) => {
      this.#under = 'stopping'
      try {
        await this.#stop(limit, label)
      } finally {
        this.#under = null
      }
    })
  }

  onEnd(listener: () => void): void {
    this.#listeners.add(listener)
  }

  record(): ProcessId | null {
    return this.#leader === null ? null : processId(this.#leader)
  }

  async adopt(id: ProcessId): Promise<boolean> {
    const identity = identityOf(id)
    if (this.#runs()) return this.#leader!.pid === id.pid
    this.#leader = identity
    this.#launched = null
    this.#end = null
    this.#told = false
    this.#doubted = !processRuns(identity)
    if (!this.#doubted) this.#watch.follow(identity)
    // Its children may have outlived it; the next start or stop ends them.
    else if (this.#family().length === 0) this.#leader = null
    return !this.#doubted
  }

  close(): void {
    this.#listeners.clear()
    this.#watch.close()
  }

  #change(
    limitMs: number,
    label: string,
    work: (limit: Limit) => Promise<void>,
  ): Promise<ServiceResult<void>> {
    return answer(limitMs, (limit) =>
      inTime(
        limit,
        label,
        this.#turns.take(limit, label, () => work(limit)),
      ),
    )
  }

  async #launch(limit: Limit, label: string): Promise<void> {
    const { argv, directory, environment, logFile, user } = this.#config
    await this.#sweep(limit, label)
    const path = environment['PATH'] ?? DEFAULT_PATH
    await needProgram(label, argv[0] ?? '', { directory, path })
    const account = user === null ? null : await accountOf(label, user, limit)
    await trimLog(logFile)
    const log = await openLog(label, logFile)
    try {
      if (limit.over()) throw new ServiceFailure('HA_SERVICE_TIMEOUT', `${label}: no time left`)
      this.#launched = launch({
        argv,
        directory,
        environment: { ...this.#base(account), ...environment, [MARK]: this.#mark() },
        account,
        output: log.fd,
      })
    } finally {
      await log.close()
    }
    await this.#settle(this.#launched, limit, label)
  }

  /** Waits until the program itself runs. */
  async #settle(launched: Launched, limit: Limit, label: string): Promise<void> {
    const { sight } = launched
    if (sight === null) {
      const { error } = await launched.ended
      throw new ServiceFailure('HA_SERVICE_FAILED', `${label}: no process could be made (${error})`)
    }
    const leader = { pid: sight.pid, startTicks: sight.startTicks }
    this.#leader = leader
    this.#doubted = false
    this.#told = false
    let replaced = false
    const known = (): boolean => {
      replaced ||= launched.replaced()
      return replaced || !processRuns(leader)
    }
    await becomes(known, { withinMs: limit.leftMs() - LAST_WORD_MS, everyMs: 2 })
    if (replaced && processRuns(leader)) {
      this.#end = null
      this.#watch.follow(leader)
      return
    }
    if (processRuns(leader)) {
      await killAll(() => this.#family(), LAST_WORD_MS)
      throw new ServiceFailure(
        'HA_SERVICE_TIMEOUT',
        `${label}: ${this.#config.argv[0]} did not load`,
      )
    }
    const end = await launched.ended
    this.#end = endOf(end)
    // What the shell says when there is no such interpreter, or it may not be run.
    const absent = !replaced && (end.exitCode === 126 || end.exitCode === 127)
    throw new ServiceFailure(
      absent ? 'HA_SERVICE_MISSING' : 'HA_SERVICE_FAILED',
      absent
        ? `${label}: ${this.#config.argv[0]} cannot be run on this host; see ${this.#config.logFile}`
        : `${label}: ${this.#end.sentence}; see ${this.#config.logFile}`,
    )
  }

  async #stop(limit: Limit, label: string): Promise<void> {
    const leader = this.#leader
    this.#told = true
    this.#end = null
    if (leader === null) return
    if (this.#runs()) {
      signal(leader.pid, 'SIGTERM')
      // One that was stopped hears nothing until it goes on, and the leader may wait for its workers.
      for (const { pid } of this.#family()) signal(pid, 'SIGCONT')
      const ended = await becomes(() => !processRuns(leader), {
        withinMs: graceOf(limit, this.#config.graceMs),
        everyMs: LOOK_EVERY_MS,
      })
      if (ended) {
        await becomes(() => this.#family().length === 0, {
          withinMs: graceOf(limit, CHILDREN_GRACE_MS),
          everyMs: LOOK_EVERY_MS * 4,
        })
      }
    }
    await this.#kill(limit, label)
    this.#leader = null
  }

  /** What is left of an earlier run would hold the sockets that the next one needs. */
  async #sweep(limit: Limit, label: string): Promise<void> {
    if (this.#leader === null) return
    await this.#kill(limit, `${label}, of what is left of its last run`)
    this.#leader = null
  }

  async #kill(limit: Limit, label: string): Promise<void> {
    const left = await killAll(() => this.#family(), limit.leftMs() - LAST_WORD_MS)
    if (left.length === 0) return
    const pids = left.map(({ pid }) => pid).join(', ')
    throw new ServiceFailure(
      'HA_SERVICE_TIMEOUT',
      `${label}: still there after SIGKILL and ${limit.limitMs} ms: ${pids} (waiting for a disk?)`,
    )
  }

  #runs(): boolean {
    return this.#leader !== null && processRuns(this.#leader)
  }

  #family(): ProcessRow[] {
    if (this.#leader === null) return []
    const rows = familyOf(this.#leader, processTable())
    return this.#doubted ? rows.filter(({ pid }) => carriesVariable(pid, MARK, this.#mark())) : rows
  }

  #report(): ServiceReport {
    const leader = this.#leader
    if (leader !== null && processRuns(leader)) {
      const pids = familyOf(leader, sharedTable(leader)).map(({ pid }) => pid)
      return { state: this.#under ?? 'running', main: processId(leader), pids, detail: null }
    }
    const pids = this.#family().map(({ pid }) => pid)
    const left = pids.length === 0 ? [] : [`${pids.length} of its processes are left`]
    const detail = [...(this.#end === null ? [] : [this.#end.sentence]), ...left].join('; ')
    // Between the end and the word of how there is a moment.
    const failed = this.#end?.failed ?? this.#leader !== null
    // The number may be another's soon.
    if (pids.length === 0 && this.#end !== null) this.#leader = null
    return {
      state: this.#under ?? (failed || pids.length > 0 ? 'failed' : 'stopped'),
      main: null,
      pids,
      detail: detail === '' ? null : detail,
    }
  }

  /** Notes how it ended, then tells. */
  async #tellEnd(ended: ProcessIdentity): Promise<void> {
    const told = this.#told
    const launched = this.#launched?.sight?.pid === ended.pid ? this.#launched : null
    const end =
      launched === null
        ? null
        : await Promise.race([launched.ended, pause(REAP_MS).then(() => null)])
    if (!told && this.#leader !== null && isSame(this.#leader, ended)) this.#end = endOf(end)
    for (const listener of this.#listeners) listener()
  }

  #base(account: Account | null): Record<string, string> {
    const { username, homedir } = userInfo()
    const name = account?.name ?? username
    return { PATH: DEFAULT_PATH, HOME: account?.home ?? homedir, USER: name, LOGNAME: name }
  }

  /** Two agents on one machine, as in a lab, have files of their own. */
  #mark(): string {
    return `${this.name} ${this.#config.logFile}`
  }

  #trim(): void {
    if (this.#trimming) return
    this.#trimming = true
    void trimLog(this.#config.logFile).finally(() => {
      this.#trimming = false
    })
  }
}

/** @param end  null when nobody of us is its parent */
function endOf(end: LaunchEnd | null): { failed: boolean; sentence: string } {
  if (!end) {
    return { failed: true, sentence: 'it ended; an earlier agent started it, so how is not known' }
  }
  const how = end.signal ?? `exit code ${end.exitCode}`
  return { failed: end.exitCode !== 0, sentence: `it ended by itself with ${how}` }
}
