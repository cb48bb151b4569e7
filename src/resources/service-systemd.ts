/**
 * How is a service run that is a unit of systemd?
 *
 * Through systemctl, which waits for the end of each job. That its main process ended is told by the kernel
 * and not by asking systemd again and again. Whatever else may start the unit is told by `inspect`.
 */
import { readFile } from 'node:fs/promises'
import { type RunFailure, type RunResult, run } from '../system/exec.ts'
import { lookAtProcess, type ProcessIdentity } from '../system/process.ts'
import { signal } from '../system/process-table.ts'
import type { StoreFinding } from './replicated-store.ts'
import type { ManagedService, ProcessId, ServiceReport, ServiceResult } from './service.ts'
import { cgroupProcesses } from './service-cgroup.ts'
import type { SystemdServiceConfig } from './service-config.ts'
import { answer, graceOf, ServiceFailure } from './service-result.ts'
import {
  parseUnit,
  startLimitHit,
  UNIT_PROPERTIES,
  type UnitFacts,
  unitDetail,
  unitFindings,
  unitMissing,
  unitState,
} from './service-systemd-text.ts'
import { identityOf, isSame, MainWatch, processId } from './service-watch.ts'
import { type Limit, pause } from './store-result.ts'

/** Between two looks while something is waited for. */
const LOOK_EVERY_MS = 50

/** What systemd calls a process of its own that has not become the unit's program yet. */
const NOT_YET_PROGRAM = /^(\(.*\)?|systemd-executo)$/

/** Longest wait for that. */
const EXEC_MS = 500

/** Doors, for tests. */
export interface SystemdDoors {
  systemctl: string
  cgroupRoot: string
}

export class SystemdService implements ManagedService {
  readonly name: string
  readonly #unit: string
  readonly #doors: SystemdDoors
  readonly #watch = new MainWatch()
  /** Its control group, as systemd told last; empty: it had none. */
  #group = ''

  constructor(
    config: SystemdServiceConfig,
    doors: SystemdDoors = { systemctl: 'systemctl', cgroupRoot: '/sys/fs/cgroup' },
  ) {
    this.name = config.name
    this.#unit = config.unit
    this.#doors = doors
  }

  look(limitMs: number): Promise<ServiceResult<ServiceReport>> {
    return answer(limitMs, async (limit) => {
      const facts = await this.#facts(limit)
      const missing = unitMissing(this.#unit, facts)
      const state = unitState(facts)
      // One that was masked or removed while it ran is still to be seen.
      if (missing !== null && (state === 'stopped' || state === 'failed')) {
        throw new ServiceFailure('HA_SERVICE_MISSING', missing)
      }
      const main = this.#main(facts)
      this.#group = facts.ControlGroup
      const group = await cgroupProcesses(facts.ControlGroup, this.#doors.cgroupRoot)
      const pids = main === null ? group : [main.pid, ...group.filter((pid) => pid !== main.pid)]
      const id = main === null ? null : processId(main)
      return { state, main: id, pids, detail: missing ?? unitDetail(facts) }
    })
  }

  /** systemctl would be a process more each second; the control group stays where it is. */
  async processes(limitMs: number): Promise<readonly number[]> {
    const found = await cgroupProcesses(this.#group, this.#doors.cgroupRoot)
    if (found.length > 0) return found
    const looked = await this.look(limitMs)
    return looked.ok ? looked.value.pids : []
  }

  start(limitMs: number): Promise<ServiceResult<void>> {
    return answer(limitMs, async (limit) => {
      const before = await this.#facts(limit)
      const missing = unitMissing(this.#unit, before)
      if (missing !== null) throw new ServiceFailure('HA_SERVICE_MISSING', missing)
      // How often it is started is counted here: systemd's own limit would refuse without a word.
      if (unitState(before) === 'failed') await this.#systemctl(limit, ['reset-failed'])
      let started = await this.#systemctl(limit, ['start'])
      if (isRefused(started) && startLimitHit(await this.#facts(limit))) {
        await this.#systemctl(limit, ['reset-failed'])
        started = await this.#systemctl(limit, ['start'])
      }
      if (!started.ok) throw await this.#whyNot(started, 'start', limit)
      await this.#becameProgram(limit)
    })
  }

  stop(limitMs: number): Promise<ServiceResult<void>> {
    return answer(limitMs, async (limit) => {
      if (!(await this.#gone(await this.#facts(limit)))) {
        const stopped = await this.#systemctl(limit, ['stop'], graceOf(limit))
        if (!stopped.ok && stopped.code !== 'HA_EXEC_TIMEOUT') {
          throw await this.#whyNot(stopped, 'stop', limit)
        }
        // Every process is meant when nothing else is said; the option for it has changed its name.
        if (!stopped.ok) await this.#systemctl(limit, ['kill', '--signal=SIGKILL'])
        await this.#killLeft(limit)
      }
      // One that had to be killed counts as failed to systemd; it was stopped.
      const after = await this.#facts(limit)
      if (unitState(after) === 'failed') await this.#systemctl(limit, ['reset-failed'])
    })
  }

  onEnd(listener: () => void): void {
    this.#watch.onEnd(() => listener())
  }

  /** systemd knows its processes. */
  record(): ProcessId | null {
    return null
  }

  async adopt(id: ProcessId): Promise<boolean> {
    const facts = await answer(2000, (limit) => this.#facts(limit))
    const main = facts.ok ? this.#main(facts.value) : null
    return main !== null && isSame(main, identityOf(id))
  }

  close(): void {
    this.#watch.close()
  }

  /** What an operator has to mend, so that nobody but us starts it. Changes nothing. */
  inspect(limitMs: number): Promise<ServiceResult<readonly StoreFinding[]>> {
    return answer(limitMs, async (limit) => unitFindings(this.#unit, await this.#facts(limit)))
  }

  async #facts(limit: Limit): Promise<UnitFacts> {
    const properties = `--property=${UNIT_PROPERTIES.join(',')}`
    const shown = await this.#systemctl(limit, ['show', properties])
    if (!shown.ok) throw this.#fault(shown, 'look', limit)
    const facts = parseUnit(shown.stdout)
    if (facts.LoadState !== '') return facts
    throw new ServiceFailure(
      'HA_SERVICE_REFUSED',
      `look at ${this.name}: systemctl show told nothing of unit ${this.#unit}`,
    )
  }

  /** The main process, which is followed from here on. */
  #main(facts: UnitFacts): ProcessIdentity | null {
    const pid = Number(facts.MainPID)
    const sight = pid > 0 ? lookAtProcess(pid) : null
    const main =
      sight === null || sight.zombie ? null : { pid: sight.pid, startTicks: sight.startTicks }
    if (main !== null) this.#watch.follow(main)
    return main
  }

  /** A unit of the type `simple` counts as started before its program was found. */
  async #becameProgram(limit: Limit): Promise<void> {
    const endMs = performance.now() + Math.min(EXEC_MS, limit.leftMs())
    for (;;) {
      const facts = await this.#facts(limit)
      const main = this.#main(facts)
      const state = unitState(facts)
      if (state === 'failed' || state === 'stopped') {
        throw new ServiceFailure(
          facts.Result === 'exit-code' && facts.ExecMainStatus === '203'
            ? 'HA_SERVICE_MISSING'
            : 'HA_SERVICE_FAILED',
          `start of ${this.name}: unit ${this.#unit} is ${unitDetail(facts)}; see journalctl -u ${this.#unit}`,
        )
      }
      const waits = main !== null && NOT_YET_PROGRAM.test(await commandOf(main.pid))
      if (!waits || performance.now() >= endMs) return
      await pause(2)
    }
  }

  async #gone(facts: UnitFacts): Promise<boolean> {
    const state = unitState(facts)
    if (state !== 'stopped' && state !== 'failed') return false
    return (await cgroupProcesses(facts.ControlGroup, this.#doors.cgroupRoot)).length === 0
  }

  /** Until nothing is there: some units leave their processes on purpose (KillMode=). */
  async #killLeft(limit: Limit): Promise<void> {
    for (;;) {
      const facts = await this.#facts(limit)
      if (await this.#gone(facts)) return
      const pids = await cgroupProcesses(facts.ControlGroup, this.#doors.cgroupRoot)
      for (const pid of pids) signal(pid, 'SIGKILL')
      if (limit.leftMs() <= LOOK_EVERY_MS) {
        throw new ServiceFailure(
          'HA_SERVICE_TIMEOUT',
          `stop of ${this.name}: unit ${this.#unit} is ${unitDetail(facts) ?? 'running'} after SIGKILL and ${limit.limitMs} ms; left: ${pids.join(', ') || 'no process'}`,
        )
      }
      await pause(LOOK_EVERY_MS)
    }
  }

  #systemctl(
    limit: Limit,
    words: readonly string[],
    timeoutMs = limit.leftMs(),
  ): Promise<RunResult> {
    return run({
      label: `${words[0]} ${this.#unit}`,
      command: this.#doors.systemctl,
      args: ['--no-ask-password', '--no-pager', ...words, '--', this.#unit],
      timeoutMs: Math.max(1, Math.floor(timeoutMs)),
      env: { LC_ALL: 'C', SYSTEMD_COLORS: '0' },
    })
  }

  async #whyNot(failure: RunFailure, act: string, limit: Limit): Promise<ServiceFailure> {
    if (failure.code !== 'HA_EXEC_EXIT') return this.#fault(failure, act, limit)
    const facts = await this.#facts(limit)
    const absent = act === 'start' && facts.ExecMainStatus === '203'
    const missing = unitMissing(this.#unit, facts)
    return new ServiceFailure(
      absent || missing !== null ? 'HA_SERVICE_MISSING' : 'HA_SERVICE_FAILED',
      missing ??
        `${act} of ${this.name}: unit ${this.#unit} is ${unitDetail(facts) ?? 'running'}; see journalctl -u ${this.#unit}`,
    )
  }

  #fault(failure: RunFailure, act: string, limit: Limit): ServiceFailure {
    const label = `${act} of ${this.name}`
    switch (failure.code) {
      case 'HA_EXEC_TIMEOUT':
        return new ServiceFailure(
          'HA_SERVICE_TIMEOUT',
          `${label}: systemctl was not done with unit ${this.#unit} after ${limit.limitMs} ms; it may still happen`,
        )
      case 'HA_EXEC_NOT_FOUND':
        return new ServiceFailure(
          'HA_SERVICE_MISSING',
          `${label}: systemctl is not installed: this host has no systemd, use another kind of service`,
        )
      default:
        return new ServiceFailure('HA_SERVICE_REFUSED', `${label}: ${failure.message}`)
    }
  }
}

/** Whether systemctl answered, and said no. */
function isRefused(result: RunResult): boolean {
  return !result.ok && result.code === 'HA_EXEC_EXIT'
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
}
