/**
 * Goal: `tandem resource` drives a configured store as a promotable OCF resource does: codes, repeats, the
 * process ended where words do not help, nothing promoted beside an agent. Method: a pretend store; what
 * real servers do is tested on real servers.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ResourceDoors, run } from '../../src/cli/resource.ts'
import type { StoreFault } from '../../src/resources/replicated-store.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { FAULT, PretendStore, REPORT } from '../helpers/pretend-store.ts'

const PRO = join(import.meta.dirname, '../fixtures/config/pro')
const GONE: StoreFault = { code: 'HA_STORE_UNREACHABLE', message: 'calls: nobody listens' }
const HUNG: StoreFault = { code: 'HA_STORE_TIMEOUT', message: 'calls: no answer' }

let scratch = ''
let store: PretendStore
let agentRuns = false
let opened: string[] = []
let doors: ResourceDoors

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-resource-'))
  const directory = join(scratch, 'config')
  cpSync(PRO, directory, { recursive: true })
  const file = join(directory, 'config.yml')
  const more = '  stores:\n    calls:\n      kind: redis\n      port: 6380\n'
  writeFileSync(file, readFileSync(file, 'utf8').replace('  stores:\n', more))
  store = new PretendStore('calls')
  agentRuns = false
  opened = []
  const unused = (): never => {
    throw new Error('no address is to be touched')
  }
  doors = {
    addresses: {
      addressList: unused,
      addressReplace: unused,
      addressRemove: unused,
      linkState: unused,
      promoteSecondaries: unused,
    },
    lockFile: () => !agentRuns,
    announce: unused,
    openService: unused,
    openStores: async (configs) => {
      opened = configs.map(({ name, kind, port }) => `${name} ${kind} ${port}`)
      return { ok: true, stores: [store] }
    },
    etcDirectory: scratch,
    machineName: 'sp1',
  }
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

async function act(action: string, name = 'calls') {
  const env = { TANDEM_CONFIG: join(scratch, 'config'), TANDEM_RUN: join(scratch, 'run') }
  const io = capturedIo({ env })
  store.asked.length = 0
  const code = await run([name, action], io, doors)
  const asked = store.asked.map((line) => line.replace('calls ', ''))
  return { code, asked, err: io.err.replaceAll('tandem resource: ', '') }
}
const writable = (): void => {
  store.report = { ...REPORT, role: 'writable', following: false }
}

test('a store that is read-only runs, one that takes writes runs promoted, one whose writes fail has failed', async () => {
  expect(await act('monitor')).toEqual({ code: 0, asked: ['monitor', 'close'], err: '' })
  expect(opened).toEqual(['calls redis 6380'])
  writable()
  const look = ['monitor', 'probe writable', 'close']
  expect(await act('monitor')).toEqual({ code: 8, asked: look, err: '' })
  store.faults['probe writable'] = FAULT
  expect(await act('monitor')).toEqual({ code: 9, asked: look, err: 'it will not\n' })
  store.faults['monitor'] = HUNG
  expect(await act('monitor')).toMatchObject({ code: 1, err: 'calls: no answer\n' })
  store.faults['monitor'] = GONE
  expect(await act('monitor')).toMatchObject({ code: 7, err: '' })
})

test('what was received is applied before it is promoted, and one that is promoted stays so', async () => {
  const { code, asked } = await act('promote')
  expect([code, asked]).toEqual([0, ['monitor', 'drain', 'promote', 'close']])
  store.faults['drain'] = FAULT
  expect(await act('promote')).toEqual({
    code: 1,
    asked: ['monitor', 'drain', 'close'],
    err: 'it will not\n',
  })
  writable()
  expect(await act('promote')).toEqual({ code: 0, asked: ['monitor', 'close'], err: '' })
  store.faults['monitor'] = GONE
  expect((await act('promote')).code).toBe(7)
})

test('nothing is promoted or started beside an agent, which alone gives the role', async () => {
  agentRuns = true
  for (const action of ['promote', 'start']) {
    const lock = join(scratch, 'run/agent.lock')
    expect(await act(action)).toEqual({
      code: 1,
      asked: ['close'],
      err: `an agent is running (it holds ${lock}): it alone gives the stores their role\n`,
    })
  }
  expect([(await act('monitor')).code, (await act('demote')).code]).toEqual([0, 0])
})

test('a demotion refuses what was held, cuts applications off, and is success when repeated', async () => {
  writable()
  const steps = ['monitor', 'demote', 'unfreeze', 'dropClients', 'close']
  for (const _round of [1, 2])
    expect(await act('demote')).toEqual({ code: 0, asked: steps, err: '' })
})

test('a store that cannot be demoted is ended, and where that fails too the demotion has failed', async () => {
  store.faults['demote'] = HUNG
  expect(await act('demote')).toEqual({
    code: 0,
    asked: ['monitor', 'demote', 'kill', 'close'],
    err: 'calls: no answer\nthe server of calls was ended\n',
  })
  store.faults['kill'] = FAULT
  expect(await act('demote')).toMatchObject({ code: 1, err: 'calls: no answer\nit will not\n' })
})

test('a start sees that the server is there and read-only, and does not start one', async () => {
  expect(await act('start')).toEqual({ code: 0, asked: ['monitor', 'close'], err: '' })
  writable()
  expect((await act('start')).asked).toEqual(['monitor', 'demote', 'close'])
  store.faults['monitor'] = GONE
  expect(await act('start')).toMatchObject({
    code: 1,
    err: 'calls: nobody listens; start its server with its own unit\n',
  })
})

test('a stop makes it read-only before its server is ended, and is success when repeated', async () => {
  writable()
  expect(await act('stop')).toEqual({
    code: 0,
    asked: ['monitor', 'demote', 'kill', 'close'],
    err: 'the server of calls was ended\n',
  })
  store.faults['monitor'] = GONE
  expect(await act('stop')).toEqual({ code: 0, asked: ['monitor', 'close'], err: '' })
})

test('a password file that cannot be used is a configuration that has mistakes', async () => {
  doors.openStores = async () => ({ ok: false, why: 'the file x may be read by others' })
  expect(await act('validate-all')).toEqual({
    code: 6,
    asked: [],
    err: 'the file x may be read by others\n',
  })
})

test('a name or an action that does not exist has a code of its own', async () => {
  expect(await act('start', 'redis')).toEqual({
    code: 2,
    asked: [],
    err: "there is no resource 'redis'; known are floating-ip, calls, mariadb\n",
  })
  const known = 'start, stop, monitor, promote, demote, notify, validate-all, meta-data'
  expect(await act('fence')).toEqual({
    code: 3,
    asked: [],
    err: `calls has no action 'fence'; known are ${known}\n`,
  })
})

test('the description names every action, and each of them can be called', async () => {
  const env = { TANDEM_CONFIG: join(scratch, 'config'), TANDEM_RUN: join(scratch, 'run') }
  const io = capturedIo({ env })
  expect(await run(['calls', 'meta-data'], io, doors)).toBe(0)
  const actions = [...io.out.matchAll(/<action name="([a-z-]+)"/g)].map(([, name]) => name ?? '')
  expect(actions.length).toBeGreaterThan(8)
  for (const action of actions) expect((await act(action)).code).not.toBe(3)
})
