// Goal: an open port is well, a closed one is told at once. Method: a stand-in on loopback.
import { afterEach, expect, test } from 'vitest'
import { checkOf, runOnce, whyOf } from '../../helpers/check-case.ts'
import { closedPort, closeStandIns, openSockets, tcpStandIn } from '../../helpers/stand-in.ts'

afterEach(closeStandIns)

test('an open port is well, and the connection is closed again', async () => {
  const before = await openSockets()
  const { port } = await tcpStandIn(() => undefined)
  expect(await whyOf(`tcp 127.0.0.1:${port}`)).toBeNull()
  await closeStandIns()
  expect(await openSockets()).toBe(before)
})

test('a closed port is told at once, not at the limit', async () => {
  const { port } = await closedPort('tcp')
  const { ok, why, durationMs } = await runOnce(checkOf(`tcp 127.0.0.1:${port}`), 5_000)
  expect({ ok, why }).toEqual({
    ok: false,
    why: `TCP to 127.0.0.1:${port}: expected a connection, the port is closed, nobody listens on 127.0.0.1:${port}`,
  })
  expect(durationMs).toBeLessThan(500)
})

test('a probe that was closed asks no more', async () => {
  const standIn = await tcpStandIn(() => undefined)
  const check = checkOf(`tcp 127.0.0.1:${standIn.port}`)
  check.close()
  check.close()
  expect((await runOnce(check)).why).toBe(
    `tcp 127.0.0.1:${standIn.port}: not asked, the probe is closed`,
  )
})
