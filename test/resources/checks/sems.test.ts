// Goal: only "Active calls: N" is well. Method: a stand-in for the statistics of SEMS on loopback.
import { afterEach, expect, test } from 'vitest'
import { checkOf, runOnce, whyOf } from '../../helpers/check-case.ts'
import { closedPort, closeStandIns, openSockets, udpStandIn } from '../../helpers/stand-in.ts'

afterEach(closeStandIns)
const WANTED = 'expected "Active calls: N"'

test.each(['Active calls: 0', 'Active calls: 12\n', 'Active calls: 3\n\0'])(
  'the number of calls is well: %j',
  async (answer) => {
    const standIn = await udpStandIn(() => [answer])
    expect(await whyOf(`sems 127.0.0.1:${standIn.port}`)).toBeNull()
    expect(standIn.heard).toEqual(['calls\n'])
  },
)

test.each([
  ["Unknown command: 'calls'\n", `came "Unknown command: 'calls'"`],
  ['Active calls: ', 'came "Active calls:"'],
  ['Active calls: x', 'came "Active calls: x"'],
  ['', 'came ""'],
  ['\0\u0001\u001b[31mred\nline', 'came "[31mred line"'],
  [`${'long '.repeat(100)}`, `came "${'long '.repeat(100).slice(0, 79)}…"`],
])('another answer is quoted in one short line: %j', async (answer, came) => {
  const standIn = await udpStandIn(() => [answer])
  expect(await whyOf(`sems 127.0.0.1:${standIn.port}`)).toBe(
    `SEMS statistics at 127.0.0.1:${standIn.port}: ${WANTED}, ${came}`,
  )
})

test('silence costs the limit, a closed port nothing, and no socket stays open', async () => {
  const before = await openSockets()
  const closed = await closedPort('udp')
  const refused = await runOnce(checkOf(`sems 127.0.0.1:${closed.port}`), 5_000)
  expect(refused.why).toBe(
    `SEMS statistics at 127.0.0.1:${closed.port}: ${WANTED}, the port is closed, nobody listens on 127.0.0.1:${closed.port}`,
  )
  expect(refused.durationMs).toBeLessThan(500)
  const silent = await udpStandIn(() => null)
  expect(await whyOf(`sems 127.0.0.1:${silent.port}`, 200)).toBe(
    `SEMS statistics at 127.0.0.1:${silent.port}: ${WANTED}, no answer within 200 ms`,
  )
  await closeStandIns()
  expect(await openSockets()).toBe(before)
})

test('a run that is under way when the probe is closed ends at once', async () => {
  const silent = await udpStandIn(() => null)
  const check = checkOf(`sems 127.0.0.1:${silent.port}`)
  const running = runOnce(check, 60_000)
  setTimeout(() => check.close(), 50)
  const { ok, durationMs } = await running
  expect(ok).toBe(false)
  expect(durationMs).toBeLessThan(2_000)
})
