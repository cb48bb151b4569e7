// Goal: the answer of a SIP socket is judged and told with its target. Method: a stand-in on loopback that
// answers with the headers it was asked with.
import { afterEach, expect, test } from 'vitest'
import { checkOf, runOnce, whyOf } from '../../helpers/check-case.ts'
import {
  closedPort,
  closeStandIns,
  openSockets,
  tcpStandIn,
  udpStandIn,
} from '../../helpers/stand-in.ts'

afterEach(closeStandIns)

function answerTo(request: string, status: string): string {
  const kept = request
    .split('\r\n')
    .filter((line) => /^(via|from|to|call-id|cseq|[vfti]) *:/i.test(line))
  return [
    `SIP/2.0 ${status}`,
    ...kept.map((line) => (/^(to|t) *:/i.test(line) ? `${line};tag=x` : line)),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

test.each(['200 lb alive', '404 Not Found', '483 Too Many Hops', '503 Draining'])(
  'is well with %s',
  async (status) => {
    const { port } = await udpStandIn((request) => [answerTo(request.toString(), status)])
    expect(await whyOf(`sip udp:127.0.0.1:${port}`)).toBeNull()
  },
)

test('a failure of the server is told with its status', async () => {
  const { port } = await udpStandIn((request) => [answerTo(request.toString(), '500 Oops')])
  expect(await whyOf(`sip udp:127.0.0.1:${port}`)).toBe(
    `OPTIONS: expected a final answer that says alive, udp 127.0.0.1:${port}: OPTIONS was answered 500 Oops`,
  )
})

test('the same over TCP', async () => {
  const { port } = await tcpStandIn((piece, socket) => {
    if (piece !== '') socket.write(answerTo(piece, '200 OK'))
  })
  expect(await whyOf(`sip tcp:127.0.0.1:${port}`)).toBeNull()
})

test('silence costs the limit, a closed port nothing, and no socket stays open', async () => {
  const before = await openSockets()
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const { port } = await closedPort(transport === 'udp' ? 'udp' : 'tcp')
    const { why, durationMs } = await runOnce(checkOf(`sip ${transport}:127.0.0.1:${port}`), 5_000)
    expect(why).toBe(
      `OPTIONS: expected a final answer that says alive, ${transport} 127.0.0.1:${port}: the port is closed (ECONNREFUSED)`,
    )
    expect(durationMs).toBeLessThan(500)
  }
  const silent = await udpStandIn(() => null)
  expect(await whyOf(`sip udp:127.0.0.1:${silent.port}`)).toMatch(
    /: no answer to OPTIONS within \d+ ms$/,
  )
  await closeStandIns()
  expect(await openSockets()).toBe(before)
})

test('garbage, half an answer and the answer to somebody else are no answers', async () => {
  const { port } = await udpStandIn((request) => {
    const answer = answerTo(request.toString(), '200 OK')
    return [
      '\0\0',
      '',
      answer.slice(0, 40),
      answer.replace(/branch=[^;\r]*/, 'branch=z9hG4bKother'),
    ]
  })
  expect(await whyOf(`sip udp:127.0.0.1:${port}`)).toMatch(/: no answer to OPTIONS within \d+ ms$/)
})
