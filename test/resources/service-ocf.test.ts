// Goal: an agent is run as the OCF API says, its codes are taken as they are meant, and it never holds us
// up. Method: small agents of our own in plain sh.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OcfService } from '../../src/resources/service-ocf.ts'
import { ocfMeaning } from '../../src/resources/service-ocf-code.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-ocf-'))
  mkdirSync(join(root, 'resource.d/site'), { recursive: true })
})
afterAll(() => rmSync(root, { recursive: true }))

let count = 0

/** An agent of these lines. */
function agent(lines: string, parameters: Record<string, string> = {}): OcfService {
  count += 1
  const path = join(root, `resource.d/site/agent-${count}`)
  writeFileSync(path, `#!/bin/sh\nstate=${path}.state\n${lines}\n`)
  chmodSync(path, 0o755)
  const config = { name: 'lb', kind: 'ocf' as const, provider: 'site', agent: `agent-${count}` }
  return new OcfService({ ...config, parameters }, root)
}

const DUMMY = `case $1 in
start) touch "$state" ;;
stop) rm -f "$state" ;;
monitor) [ -e "$state" ] || exit 7 ;;
esac`

test('it is started, seen and stopped, each twice; its end is seen by a look', async () => {
  const service = agent(DUMMY)
  const path = join(root, `resource.d/site/agent-${count}.state`)
  let ends = 0
  service.onEnd(() => {
    ends += 1
  })
  const state = async (): Promise<unknown> => {
    const looked = await service.look(2000)
    return looked.ok ? looked.value : looked.fault
  }
  const stopped = { state: 'stopped', main: null, pids: [], detail: null }
  expect(await state()).toEqual(stopped)
  for (const _time of [1, 2]) expect((await service.start(2000)).ok).toBe(true)
  expect(await state()).toEqual({ ...stopped, state: 'running' })
  rmSync(path)
  expect([await state(), await state(), ends]).toEqual([stopped, stopped, 1])
  await service.start(2000)
  for (const _time of [1, 2]) expect((await service.stop(2000)).ok).toBe(true)
  expect([existsSync(path), ends, service.record()]).toEqual([false, 2, null])
  expect(await service.adopt()).toBe(false)
})

test('action, parameters, limits and names come in its environment, and nothing of ours does', async () => {
  const service = agent('env >"$state"', { port: '5060', options: 'a b=c' })
  process.env['TANDEM_TEST_OURS'] = 'ours'
  await service.start(2000)
  delete process.env['TANDEM_TEST_OURS']
  const lines = readFileSync(join(root, `resource.d/site/agent-${count}.state`), 'utf8')
  const environment = Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => /^(OCF|TANDEM|LC)_/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  expect(environment).toEqual({
    LC_ALL: 'C',
    OCF_ROOT: root,
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RA_VERSION_MINOR: '1',
    OCF_RESOURCE_INSTANCE: 'lb',
    OCF_RESOURCE_TYPE: `agent-${count}`,
    OCF_RESOURCE_PROVIDER: 'site',
    OCF_RESKEY_CRM_meta_name: 'start',
    OCF_RESKEY_CRM_meta_timeout: expect.stringMatching(/^17[0-4]\d$/),
    OCF_RESKEY_CRM_meta_interval: '0',
    OCF_RESKEY_port: '5060',
    OCF_RESKEY_options: 'a b=c',
  })
})

test.each([
  [0, 'running', null],
  [1, 'failed', 'generic error: ERROR: seen'],
  [7, 'stopped', null],
  [8, 'running', 'running, promoted: ERROR: seen'],
  [9, 'failed', 'failed, promoted: ERROR: seen'],
  [190, 'running', 'running, degraded: ERROR: seen'],
  [191, 'running', 'running, promoted, degraded: ERROR: seen'],
  [42, 'failed', 'unknown code: ERROR: seen'],
])('a monitor that ends with %i has seen it %s', async (code, state, detail) => {
  const looked = await agent(`echo ERROR: seen >&2; exit ${code}`).look(2000)
  expect(looked).toMatchObject({ ok: true, value: { state, detail } })
})

test.each([
  [2, 'HA_SERVICE_REFUSED', 'wrong arguments'],
  [3, 'HA_SERVICE_REFUSED', 'action not implemented'],
  [4, 'HA_SERVICE_REFUSED', 'no permission'],
  [5, 'HA_SERVICE_MISSING', 'not installed'],
  [6, 'HA_SERVICE_REFUSED', 'not configured correctly'],
])('code %i is a fault of every action', async (code, fault, words) => {
  const service = agent(`echo why not >&2; exit ${code}`)
  const name = `ocf:site:agent-${count}`
  for (const [action, more] of [
    ['look', ''],
    ['start', ''],
    ['stop', '; it may still run'],
  ] as const) {
    const act = action === 'look' ? 'monitor' : action
    expect(await service[action](2000)).toMatchObject({
      ok: false,
      fault: {
        code: fault,
        message: `${act} of lb: the agent ${name} ended with ${code} (${words})${more}: why not`,
      },
    })
  }
})

test('a stop that fails is a fault that says it may still run', async () => {
  const service = agent('echo "ERROR: it will not" >&2; echo trace >&2; exit 1')
  expect(await service.stop(2000)).toMatchObject({
    ok: false,
    fault: {
      code: 'HA_SERVICE_FAILED',
      message: `stop of lb: the agent ocf:site:agent-${count} ended with 1 (generic error); it may still run: ERROR: it will not`,
    },
  })
})

test('a password among the parameters is never shown', async () => {
  const service = agent('echo "ERROR: login with hunter2 failed" >&2; exit 1', {
    admin_password: 'hunter2',
  })
  const started = await service.start(2000)
  expect(started.ok ? '' : started.fault.message).toContain(': ERROR: login with *** failed')
})

test('an agent that does not end, and ignores SIGTERM, is killed within the limit', async () => {
  const service = agent(
    `trap '' TERM; echo waiting >&2; echo $$ >"$state"; while :; do sleep 1; done`,
  )
  const started = performance.now()
  const result = await service.start(800)
  expect(performance.now() - started).toBeLessThan(900)
  expect(result).toMatchObject({
    ok: false,
    fault: {
      code: 'HA_SERVICE_TIMEOUT',
      message: expect.stringMatching(
        /^start of lb: the agent ocf:site:agent-\d+ did not end within 5\d\d ms and was killed; what it does may still happen; it said: waiting$/,
      ),
    },
  })
  const pid = readFileSync(join(root, `resource.d/site/agent-${count}.state`), 'utf8').trim()
  expect(existsSync(`/proc/${pid}`)).toBe(false)
})

test('a daemon that keeps the streams of its agent does not hold it up, and has nothing of ours', async () => {
  const service = agent(`sleep 60 & echo $! >"$state"`)
  const started = performance.now()
  expect((await service.start(5000)).ok).toBe(true)
  expect(performance.now() - started).toBeLessThan(1500)
  const pid = Number(readFileSync(join(root, `resource.d/site/agent-${count}.state`), 'utf8'))
  expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('0\n')
  process.kill(pid, 'SIGKILL')
})

test('a look during a start says so instead of disturbing it', async () => {
  const service = agent('[ "$1" = monitor ] && echo disturbed >"$state"; sleep 0.3')
  const starting = service.start(2000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await service.look(1000)).toMatchObject({ ok: true, value: { state: 'starting' } })
  await starting
  expect(existsSync(join(root, `resource.d/site/agent-${count}.state`))).toBe(false)
})

test.each([
  ['site', 'none'],
  ['..', 'site'],
  ['site', '../../escape'],
])('ocf:%s:%s is no agent', async (provider, name) => {
  const service = new OcfService(
    { name: 'lb', kind: 'ocf', provider, agent: name, parameters: {} },
    root,
  )
  expect(await service.start(1000)).toMatchObject({
    ok: false,
    fault: {
      code: 'HA_SERVICE_MISSING',
      message: `start of lb: there is no agent ocf:${provider}:${name} in ${root}/resource.d: install its package or mend the name`,
    },
  })
})

test('every code of the API has a meaning, and any other is a failure', () => {
  expect([0, 7, 8, 255].map((code) => ocfMeaning(code).state)).toEqual([
    'running',
    'stopped',
    'running',
    'failed',
  ])
})
