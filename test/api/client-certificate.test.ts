/** Goal: a client's certificate counts for what its subject may, and only when our authority signed it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pretendPorts } from '../fixtures/control-agent.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { type Authority, makeAuthority } from '../helpers/certificate-authority.ts'
import { type FrontStage, frontStage, READ_TOKEN } from '../helpers/front-stage.ts'

let authority: Authority
let stage: FrontStage
const ports = pretendPorts()
const ORDER = { method: 'POST', path: '/v1/operations', body: '{"kind":"make-standby"}' }

beforeAll(async () => {
  authority = makeAuthority()
  stage = await frontStage({
    ports,
    api: {
      clientCaFile: '/ca',
      clients: [
        { subject: 'mon.example.org', role: 'read' },
        { subject: 'Carol', role: 'operate' },
      ],
    },
    material: { clientCa: authority.cert },
  })
})
afterAll(async () => {
  await stage.stop()
})

test('each subject may what it is for', async () => {
  const monitor = authority.sign('mon.example.org')
  expect((await stage.ask({ certificate: monitor })).status).toBe(200)
  expect((await stage.ask({ ...ORDER, certificate: monitor })).status).toBe(403)
  expect(ports.requests).toEqual([])
  expect((await stage.ask({ ...ORDER, certificate: authority.sign('Carol') })).status).toBe(202)
  expect(ports.requests.length).toBe(1)
  expect(stage.orders.map(({ asker, status }) => [asker.name, status])).toEqual([
    ['mon.example.org', 403],
    ['Carol', 202],
  ])
})

test('a stranger with one is a stranger', async () => {
  const others = makeAuthority()
  for (const certificate of [
    authority.sign('mallory'),
    others.sign('Carol'),
    makeCertificate('DNS:Carol'),
  ]) {
    expect((await stage.ask({ certificate })).status).toBe(401)
  }
  expect((await stage.ask({})).status).toBe(401)
  expect((await stage.askPlain({})).status).toBe(401)
})

test('a token counts beside it', async () => {
  expect((await stage.ask({ token: READ_TOKEN })).status).toBe(200)
  expect((await stage.ask({ token: READ_TOKEN, certificate: authority.sign('x') })).status).toBe(
    200,
  )
})

test('an authority that is given up signs for nobody any more', async () => {
  const monitor = authority.sign('mon.example.org')
  const ours = makeCertificate('IP:127.0.0.1')
  stage.front.use({
    ...{ certificate: ours.cert, key: ours.key, clientCa: makeAuthority().cert },
    ...{ tokens: [], notAfterMs: null },
  })
  const trusting = { certificate: monitor, trust: ours.cert }
  expect((await stage.ask(trusting)).status).toBe(401)
})
