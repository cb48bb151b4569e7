/** Goal: a written call becomes the plan that was meant, and how it went one sentence. Method: a pretend call. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseCheck } from '../../../src/config/check-text.ts'
import { callCheck } from '../../../src/resources/checks/call.ts'
import type { TestCallPlan } from '../../../src/sip/test-call.ts'
import type { TestCallReport } from '../../../src/sip/test-call-report.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-call-'))
const file = join(directory, 'password')
writeFileSync(file, 'a $& secret\n')
chmodSync(file, 0o600)
afterAll(() => rmSync(directory, { recursive: true }))

const OK: TestCallReport = { outcome: 'ok', why: 'answered after 30 ms', steps: [], audio: null }

async function called(line: string, report: TestCallReport = OK) {
  const read = parseCheck(line)
  if (!read.ok || read.check.kind !== 'call') throw new Error('no call')
  const plans: TestCallPlan[] = []
  const check = callCheck(read.check, async (plan) => {
    plans.push(plan)
    return report
  })
  const result = await check.run(2_000)
  check.close()
  return { plan: plans[0], result, check }
}

test('HOST stands for the address, and without a password nobody registers but our own callee', async () => {
  const { plan, check } = await called('call a@HOST b@HOST udp:[fd83::50]:5070 local every 90s')
  expect(plan).toMatchObject({
    from: 'sip:a@[fd83::50]',
    to: 'sip:b@[fd83::50]',
    proxy: { host: 'fd83::50', port: 5070 },
    caller: null,
    callee: null,
    local: { address: null, port: null },
    mediaMs: 2_000,
  })
  expect(check.everyMs).toBe(90_000)
})

test('the password is read from its file, and is in no sentence', async () => {
  const line = `call a@HOST b@HOST udp:10.0.0.50:5060 password ${file} seconds 0`
  const refused = { ...OK, outcome: 'refused', why: 'REGISTER was answered 403' } as const
  const { plan, result, check } = await called(line, refused)
  expect([plan?.caller === null, plan?.callee, plan?.mediaMs]).toEqual([false, null, 0])
  expect(result).toMatchObject({ ok: false, why: 'refused: REGISTER was answered 403' })
  expect(JSON.stringify([result, check.label])).not.toContain('secret')
})

test('a call that went well says how', async () => {
  const { result } = await called('call a@HOST b@HOST udp:10.0.0.50:5060')
  expect(result).toMatchObject({ ok: true, why: 'answered after 30 ms' })
})

test.each([
  ['that is missing', '/nowhere/password'],
  ['that others may read', directory],
])('a password file %s is told, and no call is placed', async (_how, path) => {
  const { plan, result } = await called(`call a@HOST b@HOST udp:10.0.0.50:5060 password ${path}`)
  expect([plan, result.ok, result.why?.startsWith('failed: ')]).toEqual([undefined, false, true])
})
