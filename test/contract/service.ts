/**
 * What every kind of service promises, whoever runs it. To be run over each of them with real processes.
 */
import { readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import type { ManagedService, ServiceFault, ServiceReport } from '../../src/resources/service.ts'
import { lookAtProcess } from '../../src/system/process.ts'
import { processTable } from '../../src/system/process-table.ts'
import { until } from '../helpers/until.ts'

/** What the program does: test/fixtures/services/program.sh. `missing`: there is no program. */
export type Program = 'plain' | 'deaf' | 'deaf-children' | 'missing'

/** One service over one program, and how it is seen from outside. */
export interface ServiceStage {
  service: ManagedService
  /** The program writes its process id there, once it is ready. */
  readyFile: string
  /** Whoever runs the service does not answer any more; null: nobody but us runs it. */
  silence: (() => Promise<void>) | null
  /** Ends everything. */
  remove(): Promise<void>
}

export interface ServiceKind {
  stage(program: Program): Promise<ServiceStage>
  /** It tells the main process and hears of its end at once. */
  knowsProcesses: boolean
  /** A stop ends children that ignore SIGTERM as well. */
  endsChildren: boolean
  /** How long an end may take to be told, ms. */
  toldWithinMs: number
  /** Faults that a missing program may be; none: only the next look tells. */
  missing: readonly ServiceFault['code'][]
}

const LIMIT_MS = 8000

/** Registers the promises of one kind. */
export function servicePromises(kind: ServiceKind): void {
  const stages: ServiceStage[] = []
  afterEach(async () => {
    for (const stage of stages.splice(0)) {
      stage.service.close()
      await stage.remove()
    }
  })

  async function open(program: Program): Promise<ServiceStage & { ends: () => number }> {
    const stage = await kind.stage(program)
    stages.push(stage)
    let ends = 0
    stage.service.onEnd(() => {
      ends += 1
    })
    return { ...stage, ends: () => ends }
  }

  /** Its main process, in its own words. */
  async function mainOf(stage: ServiceStage): Promise<number> {
    return await until(async () => {
      const text = await readFile(stage.readyFile, 'utf8').catch(() => '')
      return Number(text.trim()) || null
    }, LIMIT_MS)
  }

  async function started(program: Program) {
    const stage = await open(program)
    expect(await stage.service.start(LIMIT_MS)).toMatchObject({ ok: true })
    return { ...stage, main: await mainOf(stage) }
  }

  async function look(service: ManagedService): Promise<ServiceReport> {
    const looked = await service.look(LIMIT_MS)
    if (!looked.ok) throw new Error(looked.fault.message)
    return looked.value
  }

  test('started twice, it runs once, and a look tells its processes', async () => {
    const { service, main } = await started('plain')
    expect(await service.start(LIMIT_MS)).toMatchObject({ ok: true })
    const report = await look(service)
    expect(report.state).toBe('running')
    const sight = lookAtProcess(main)
    expect(sight?.name).toBe('sleep')
    if (kind.knowsProcesses) {
      expect(report.main).toEqual({ pid: main, startTicks: String(sight?.startTicks) })
      expect(report.pids).toEqual([main])
      expect((await service.processes?.(LIMIT_MS)) ?? [main]).toEqual([main])
    }
  })

  test('stopped twice, it is stopped and nothing of it is left; a stop of what never ran is fine too', async () => {
    const { service, main } = await started('plain')
    for (const _time of [1, 2]) expect(await service.stop(LIMIT_MS)).toMatchObject({ ok: true })
    expect(lives(main)).toBe(false)
    expect(await look(service)).toMatchObject({ state: 'stopped', main: null, pids: [] })
    const never = await open('plain')
    expect(await never.service.stop(LIMIT_MS)).toMatchObject({ ok: true })
  })

  test('it can be started again after it was stopped', async () => {
    const { service, main } = await started('plain')
    await service.stop(LIMIT_MS)
    expect(await service.start(LIMIT_MS)).toMatchObject({ ok: true })
    expect(lives(main)).toBe(false)
    expect((await look(service)).state).toBe('running')
  })

  test('its end is told, and the next look says that it does not run', async () => {
    const { service, main, ends } = await started('plain')
    await look(service)
    process.kill(main, 'SIGKILL')
    const killedMs = performance.now()
    const told = async (): Promise<boolean> => {
      if (!kind.knowsProcesses) await look(service)
      return ends() > 0
    }
    await until(told, LIMIT_MS)
    expect(performance.now() - killedMs).toBeLessThan(kind.toldWithinMs)
    expect(ends()).toBe(1)
    expect((await look(service)).main).toBeNull()
    expect((await look(service)).state).not.toBe('running')
  })

  test('one that ignores SIGTERM is gone within the limit of the stop', async () => {
    const { service, main } = await started('deaf')
    await look(service)
    const stopped = await service.stop(LIMIT_MS)
    expect(stopped).toMatchObject({ ok: true })
    expect(stopped.durationMs).toBeLessThan(LIMIT_MS)
    expect(lives(main)).toBe(false)
    expect(await look(service)).toMatchObject({ state: 'stopped', main: null, pids: [] })
  })

  test('one that is frozen is gone within the limit of the stop', async () => {
    const { service, main } = await started('plain')
    await look(service)
    process.kill(main, 'SIGSTOP')
    expect(await service.stop(LIMIT_MS)).toMatchObject({ ok: true })
    expect(lives(main)).toBe(false)
  })

  test.skipIf(!kind.endsChildren)(
    'its children that ignore SIGTERM are gone within the limit of the stop',
    async () => {
      const { service, main } = await started('deaf-children')
      const before = descendants(main)
      expect(before.length).toBeGreaterThanOrEqual(2)
      await look(service)
      expect(await service.stop(LIMIT_MS)).toMatchObject({ ok: true })
      expect([main, ...before].filter(lives)).toEqual([])
    },
  )

  test('a program that is missing is a fault, and nothing runs', async () => {
    const { service } = await open('missing')
    const result = await service.start(LIMIT_MS)
    expect(result.durationMs).toBeLessThan(LIMIT_MS)
    if (kind.missing.length > 0) {
      expect(kind.missing).toContain(result.ok ? 'ok' : result.fault.code)
      expect(result.ok ? '' : result.fault.message).toMatch(/^start of lb: .+$/)
    }
    const ended = async (): Promise<boolean> =>
      ['stopped', 'failed'].includes((await look(service)).state)
    if (kind.missing.length > 0) expect(await ended()).toBe(true)
    else await until(ended, LIMIT_MS)
  })

  test('every call ends within its limit, also when nobody answers it', async () => {
    const { service, silence } = await started('plain')
    if (silence === null) return
    await silence()
    for (const call of ['look', 'start', 'stop'] as const) {
      const startedMs = performance.now()
      const result = await service[call](600)
      const tookMs = performance.now() - startedMs
      expect([call, result.ok ? 'ok' : result.fault.code]).toEqual([call, 'HA_SERVICE_TIMEOUT'])
      expect(tookMs).toBeLessThan(900)
    }
  })
}

/** Who has ended and was only not asked for yet by the parent does not live. */
function lives(pid: number): boolean {
  return lookAtProcess(pid)?.zombie === false
}

function descendants(pid: number): number[] {
  const table = processTable()
  const found = new Set([pid])
  for (let size = 0; size < found.size; ) {
    size = found.size
    for (const row of table) if (found.has(row.parent)) found.add(row.pid)
  }
  found.delete(pid)
  return [...found]
}
