// Goal: a process of our own is started clean, ended for certain and taken over by the next agent; what
// is missing is told by name. Method: real processes.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ServiceReport } from '../../src/resources/service.ts'
import { CommandService } from '../../src/resources/service-child.ts'
import type { CommandServiceConfig } from '../../src/resources/service-config.ts'
import { lookAtProcess } from '../../src/system/process.ts'
import { until } from '../helpers/until.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-child-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const opened: CommandService[] = []
afterEach(async () => {
  for (const service of opened.splice(0)) {
    await service.stop(1500)
    service.close()
  }
})

let count = 0
function configOf(
  script: string,
  changes: Partial<CommandServiceConfig> = {},
): CommandServiceConfig {
  count += 1
  return {
    name: 'lb',
    kind: 'command',
    argv: ['sh', '-c', script],
    directory,
    environment: {},
    user: null,
    logFile: join(directory, `${count}.log`),
    graceMs: 200,
    ...changes,
  }
}

function open(config: CommandServiceConfig): { service: CommandService; ends: () => number } {
  const service = new CommandService(config)
  opened.push(service)
  let ends = 0
  service.onEnd(() => {
    ends += 1
  })
  return { service, ends: () => ends }
}

async function look(service: CommandService): Promise<ServiceReport> {
  const looked = await service.look(1000)
  if (!looked.ok) throw new Error(looked.fault.message)
  return looked.value
}

/** Who ended and was only not asked for yet by the parent does not live. */
function lives(pid: number): boolean {
  return lookAtProcess(pid)?.zombie === false
}

function logOf(config: CommandServiceConfig): string {
  return readFileSync(config.logFile, 'utf8')
}

test('its environment is what was configured and the usual, its mask and directory too', async () => {
  process.env['TANDEM_TEST_OURS'] = 'ours'
  const config = configOf('env; umask; pwd; exec sleep 60', { environment: { A: 'b c' } })
  const { service } = open(config)
  expect(await service.start(2000)).toMatchObject({ ok: true })
  delete process.env['TANDEM_TEST_OURS']
  await until(async () => logOf(config).endsWith(`\n${directory}\n`), 2000)
  const lines = logOf(config)
    .split('\n')
    .filter((line) => !/^(PWD|OLDPWD|_|SHLVL|HOME|USER|LOGNAME)=/.test(line))
  expect(lines.sort()).toEqual(
    [
      '',
      '0022',
      directory,
      'A=b c',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      `TANDEM_SERVICE=lb ${config.logFile}`,
    ].sort(),
  )
})

test.each([
  ['exit 3', 'failed', 'it ended by itself with exit code 3'],
  ['exit 0', 'stopped', 'it ended by itself with exit code 0'],
  ['kill -SEGV $$', 'failed', 'it ended by itself with SIGSEGV'],
])('how it ended is told: %s', async (last, state, detail) => {
  const { service, ends } = open(configOf(`sleep 0.2; ${last}`))
  await service.start(2000)
  await until(async () => ends() === 1, 3000)
  expect(await look(service)).toEqual({ state, main: null, pids: [], detail })
  expect(service.record()).toBeNull()
})

test('an end that we asked for is told too, and is no failure', async () => {
  const { service, ends } = open(configOf('exec sleep 60'))
  await service.start(2000)
  expect(await service.stop(2000)).toMatchObject({ ok: true })
  await until(async () => ends() === 1, 1000)
  expect(await look(service)).toEqual({ state: 'stopped', main: null, pids: [], detail: null })
})

test.each<[string, Partial<CommandServiceConfig>, RegExp]>([
  ['a program in PATH', { argv: ['no-such-program'] }, /no-such-program is not in \/usr\/local/],
  ['a program by its path', { argv: ['/no/such'] }, /\/no\/such is no program that can be run/],
  ['a directory as program', { argv: ['/tmp'] }, /\/tmp is no program that can be run/],
  ['its directory', { directory: '/no/such' }, /its directory \/no\/such does not exist/],
  ['its user', { user: 'no-such-user' }, /there is no user no-such-user on this host/],
])('%s that is missing is told by name', async (_what, changes, message) => {
  const { service, ends } = open(configOf('', changes))
  const started = await service.start(2000)
  expect(started).toMatchObject({ ok: false, fault: { code: 'HA_SERVICE_MISSING' } })
  expect(started.ok ? '' : started.fault.message).toMatch(message)
  expect((await look(service)).state).toBe('stopped')
  expect(ends()).toBe(0)
})

test('a script whose interpreter is missing is told as missing', async () => {
  const path = join(directory, 'script')
  writeFileSync(path, '#!/no/such/interpreter\n', { mode: 0o755 })
  const { service } = open(configOf('', { argv: [path] }))
  expect(await service.start(2000)).toMatchObject({
    ok: false,
    fault: { code: 'HA_SERVICE_MISSING' },
  })
})

test('workers that outlive their main process are seen, and ended before the next start', async () => {
  const config = configOf(`(trap '' TERM HUP; exec sleep 61) & (exec sleep 60) & wait`)
  const { service, ends } = open(config)
  await service.start(2000)
  await until(async () => (await look(service)).pids.length === 3, 2000)
  const [main, ...workers] = (await look(service)).pids
  process.kill(main!, 'SIGKILL')
  await until(async () => ends() === 1, 1000)
  expect(await look(service)).toEqual({
    state: 'failed',
    main: null,
    pids: workers,
    detail: 'it ended by itself with SIGKILL; 2 of its processes are left',
  })
  expect((await service.start(3000)).ok).toBe(true)
  expect(workers.filter(lives)).toEqual([])
})

test('two starts at once make one process, and a stop right behind them ends it', async () => {
  const config = configOf('echo started; exec sleep 60')
  const { service } = open(config)
  const [first, second, stopped] = await Promise.all([
    service.start(3000),
    service.start(3000),
    service.stop(3000),
  ])
  expect([first!.ok, second!.ok, stopped!.ok]).toEqual([true, true, true])
  expect(logOf(config)).toMatch(/^(started\n)?$/)
  expect((await look(service)).pids).toEqual([])
})

test('the next agent takes it over by id and start, hears of its end, and ends it', async () => {
  const config = configOf('exec sleep 60')
  const first = open(config)
  await first.service.start(2000)
  const id = first.service.record()!
  first.service.close()
  const next = open(config)
  expect(await next.service.adopt({ ...id, startTicks: `${Number(id.startTicks) - 1}` })).toBe(
    false,
  )
  expect(await next.service.adopt(id)).toBe(true)
  expect(await look(next.service)).toEqual({
    state: 'running',
    main: id,
    pids: [id.pid],
    detail: null,
  })
  // It runs already.
  expect(await next.service.start(1000)).toMatchObject({ ok: true })
  expect(next.service.record()).toEqual(id)
  process.kill(id.pid, 'SIGKILL')
  await until(async () => next.ends() === 1, 1000)
  expect(await look(next.service)).toEqual({
    state: 'failed',
    main: null,
    pids: [],
    detail: 'it ended; an earlier agent started it, so how is not known',
  })
  expect(first.ends()).toBe(0)
})

test('workers of a main process that died without an agent are ended by the next start, strangers are not', async () => {
  const config = configOf(`(exec sleep 60) & wait`)
  const first = open(config)
  await first.service.start(2000)
  const id = first.service.record()!
  await until(async () => (await look(first.service)).pids.length === 2, 2000)
  const [, worker] = (await look(first.service)).pids
  first.service.close()
  process.kill(id.pid, 'SIGKILL')
  await until(async () => !lives(id.pid), 1000)
  const stranger = open({ ...config, logFile: `${config.logFile}.other` })
  expect(await stranger.service.adopt(id)).toBe(false)
  expect(await stranger.service.stop(1000)).toMatchObject({ ok: true })
  expect(lives(worker!)).toBe(true)
  const next = open(config)
  expect(await next.service.adopt(id)).toBe(false)
  expect(await next.service.start(2000)).toMatchObject({ ok: true })
  expect(lives(worker!)).toBe(false)
})

test('what hears nothing of a stop is gone within the limit, however long its grace is', async () => {
  const config = configOf(`trap '' TERM; echo deaf; while :; do sleep 1; done`, {
    graceMs: 60_000,
  })
  const { service } = open(config)
  await service.start(2000)
  await until(async () => logOf(config) === 'deaf\n', 1000)
  const id = service.record()!
  const startedMs = performance.now()
  expect(await service.stop(1600)).toMatchObject({ ok: true })
  const tookMs = performance.now() - startedMs
  // A second is kept for SIGKILL; at so short a limit half of it is.
  expect([tookMs > 700, tookMs < 1600, lives(id.pid)]).toEqual([true, true, false])
})

test('a process that was frozen ends by itself when told to', async () => {
  const config = configOf(`trap 'echo ended; exit 0' TERM; while :; do sleep 0.02; done`, {
    graceMs: 2000,
  })
  const { service } = open(config)
  await service.start(2000)
  await until(async () => (await look(service)).pids.length > 1, 1000)
  process.kill(service.record()!.pid, 'SIGSTOP')
  expect(await service.stop(4000)).toMatchObject({ ok: true })
  expect(logOf(config)).toBe('ended\n')
})

test('as the user that we are it is started without more ado', async () => {
  const name = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim()
  const { service } = open(configOf('exec sleep 60', { user: name }))
  expect(await service.start(2000)).toMatchObject({ ok: true })
})
