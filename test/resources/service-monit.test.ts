// Goal: monit is asked and told as its HTTP interface wants it, waited for, and never waited for too long;
// what goes wrong is told with its mend. Method: a stand-in for monit's HTTP server, on a unix socket and
// on TCP, with real processes behind it. The real monit: test/e2e/services-backends.test.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MonitPlace } from '../../src/config/config.ts'
import { MonitService } from '../../src/resources/service-monit.ts'
import { until } from '../helpers/until.ts'

let directory = ''
let server: Server
let child: ChildProcess | null = null
let fields: Record<string, number> = {}
let orders: string[] = []
/** What the stand-in does with an order; null: as monit would. */
let onOrder: ((action: string, response: ServerResponse) => void) | null = null
let onStatus: ((response: ServerResponse) => void) | null = null
const services: MonitService[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-monit-'))
  writeFileSync(join(directory, 'password'), 'secret word\n', { mode: 0o600 })
  fields = { status: 0, monitor: 0, monitormode: 0, pendingaction: 0 }
  orders = []
  onOrder = null
  onStatus = null
  server = createServer((request, response) => void serve(request, response))
})

afterEach(async () => {
  for (const service of services.splice(0)) service.close()
  child?.kill('SIGKILL')
  child = null
  server.closeAllConnections()
  if (server.listening) {
    server.close()
    await once(server, 'close')
  }
  rmSync(directory, { recursive: true })
})

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const basic = `Basic ${Buffer.from('admin:secret word').toString('base64')}`
  if (request.headers.authorization !== basic) {
    response.writeHead(401).end('<p>Unauthorized</p>')
    return
  }
  if (request.method === 'GET') {
    if (onStatus !== null) onStatus(response)
    else response.end(document())
    return
  }
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const form = new URLSearchParams(body)
  const token = form.get('securitytoken')
  if (!token || request.headers.cookie !== `securitytoken=${token}`) {
    response.writeHead(403).end('<h2>Forbidden</h2>Invalid CSRF Token')
    return
  }
  const action = form.get('action') ?? ''
  orders.push(`${request.url} ${action}`)
  if (onOrder !== null) onOrder(action, response)
  else {
    await carryOut(action)
    response.writeHead(302, { location: '/' }).end()
  }
}

/** As monit does it: later. */
async function carryOut(action: string): Promise<void> {
  fields['pendingaction'] = action === 'start' ? 6 : action === 'stop' ? 3 : 0
  setTimeout(() => {
    fields['pendingaction'] = 0
    if (action === 'start') {
      run()
      fields['monitor'] = 1
    } else {
      if (action === 'stop') child?.kill('SIGTERM')
      delete fields['pid']
      fields['monitor'] = 0
    }
  }, 150)
}

function run(script = 'exec sleep 60'): void {
  child = spawn('sh', ['-c', script], { stdio: 'ignore' })
  fields['pid'] = child.pid!
}

function document(): string {
  const words = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  return `<?xml version="1.0"?><monit><service type="3"><name>s/lb</name>${words.join('')}</service></monit>`
}

async function listen(kind: 'unix' | 'tcp' = 'unix'): Promise<MonitPlace> {
  if (kind === 'unix') server.listen(join(directory, 'socket'))
  else server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  if (kind === 'unix') return { socketPath: join(directory, 'socket') }
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

function open(place: MonitPlace, changes: Record<string, string> = {}): MonitService {
  const passwordFile = join(directory, 'password')
  const names = { name: 'lb', kind: 'monit' as const, monitName: 's/lb', user: 'admin' }
  const service = new MonitService({ ...names, passwordFile, ...changes, ...place })
  services.push(service)
  return service
}

test.each(['unix', 'tcp'] as const)('over %s it is started, seen and stopped', async (kind) => {
  const service = open(await listen(kind))
  let ends = 0
  service.onEnd(() => {
    ends += 1
  })
  expect(await service.start(3000)).toMatchObject({ ok: true })
  expect(await service.look(1000)).toMatchObject({
    ok: true,
    value: {
      state: 'running',
      main: { pid: child!.pid, startTicks: expect.stringMatching(/^\d+$/) },
      pids: [child!.pid],
      detail: 'OK',
    },
  })
  expect(await service.start(3000)).toMatchObject({ ok: true })
  expect(await service.stop(3000)).toMatchObject({ ok: true })
  await until(async () => ends === 1, 1000)
  expect(await service.look(1000)).toMatchObject({
    ok: true,
    value: { state: 'stopped', main: null, pids: [], detail: 'Not monitored' },
  })
  expect(orders).toEqual(['/s%2Flb start', '/s%2Flb stop'])
})

test('one that runs unmonitored is told to monit all the same, so that it is monitored', async () => {
  run()
  fields['monitor'] = 0
  const service = open(await listen())
  onOrder = (_action, response) => {
    fields['monitor'] = 1
    response.writeHead(302).end()
  }
  expect(await service.start(2000)).toMatchObject({ ok: true })
  expect(orders).toEqual(['/s%2Flb start'])
})

test('what monit cannot end is killed with its children, and monit is told to leave it alone', async () => {
  run(`trap '' TERM; (trap '' TERM; exec sleep 60) & while :; do sleep 1; done`)
  fields['monitor'] = 1
  const service = open(await listen())
  onOrder = (action, response) => {
    if (action === 'stop') fields['status'] = 4096
    else fields['monitor'] = 0
    response.writeHead(302).end()
  }
  await until(async () => {
    const looked = await service.look(1000)
    return looked.ok && looked.value.pids.length === 3
  }, 2000)
  const stopped = await service.stop(6000)
  expect(stopped).toMatchObject({ ok: true })
  // monit has given up: there is nothing to wait for.
  expect(stopped.durationMs).toBeLessThan(2000)
  expect(orders).toEqual(['/s%2Flb stop', '/s%2Flb unmonitor'])
  expect(child!.exitCode ?? child!.signalCode).toBe('SIGKILL')
})

test('a start that monit tried in vain is a fault in its words', async () => {
  fields = { status: 512, monitor: 1, monitormode: 0, pendingaction: 0 }
  const service = open(await listen())
  onOrder = (_action, response) => {
    fields['status'] = 4608
    response.writeHead(302).end()
  }
  expect(await service.start(2000)).toMatchObject({
    ok: false,
    fault: {
      code: 'HA_SERVICE_FAILED',
      message: 'start of lb: monit tried, and says of s/lb: Does not exist | Execution failed',
    },
  })
})

test('an order that monit has no time for is given again, one that it never carries out ends in time', async () => {
  const service = open(await listen())
  let refusals = 2
  onOrder = (action, response) => {
    refusals -= 1
    if (refusals >= 0) response.writeHead(503).end('Other action already in progress')
    else {
      fields['pendingaction'] = action === 'start' ? 6 : 0
      response.writeHead(302).end()
    }
  }
  const startedMs = performance.now()
  expect(await service.start(1000)).toMatchObject({
    ok: false,
    fault: {
      code: 'HA_SERVICE_TIMEOUT',
      message:
        'start of lb: after 1000 ms monit says of s/lb: Not monitored - start pending; it may still happen',
    },
  })
  expect(performance.now() - startedMs).toBeLessThan(1050)
  expect(orders).toHaveLength(3)
})

test.each<[string, (response: ServerResponse) => void, string, string]>([
  ['silence', () => undefined, 'HA_SERVICE_TIMEOUT', 'did not answer within 300 ms'],
  [
    'half an answer',
    (response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('<monit>')
      setTimeout(() => response.destroy(), 20)
    },
    'HA_SERVICE_REFUSED',
    'broke off its answer',
  ],
  [
    'an answer without an end',
    (response) => {
      const more = setInterval(() => response.write('x'.repeat(1_000_000)), 5)
      response.once('close', () => clearInterval(more))
    },
    'HA_SERVICE_REFUSED',
    'says too much',
  ],
  [
    'garbage',
    (response) => response.end('<monit><service'),
    'HA_SERVICE_REFUSED',
    'did not answer with its status document',
  ],
  [
    'an error',
    (response) => response.writeHead(500).end('<html><style>x</style><b>Out of\nmemory</b>'),
    'HA_SERVICE_REFUSED',
    'answered 500: Out of memory (service s/lb)',
  ],
])('%s is a fault in time', async (_what, answer, code, words) => {
  onStatus = answer
  const service = open(await listen())
  const startedMs = performance.now()
  expect(await service.look(300)).toMatchObject({
    ok: false,
    fault: { code, message: `look at lb: monit at ${join(directory, 'socket')} ${words}` },
  })
  expect(performance.now() - startedMs).toBeLessThan(400)
})

test('a wrong password is told without it, and where to compare it', async () => {
  const path = join(directory, 'password')
  writeFileSync(path, 'wrong\n')
  const looked = await open(await listen()).look(1000)
  expect(looked.ok ? null : looked.fault).toEqual({
    code: 'HA_SERVICE_REFUSED',
    message: `look at lb: monit at ${join(directory, 'socket')} does not take user admin with the password in ${path}: compare with "allow" of its configuration`,
  })
})

test('a password that others can read is not used', async () => {
  const path = join(directory, 'open')
  writeFileSync(path, 'secret word\n', { mode: 0o644 })
  const looked = await open(await listen(), { passwordFile: path }).look(1000)
  expect(looked.ok ? null : looked.fault).toEqual({
    code: 'HA_SERVICE_REFUSED',
    message: `look at lb: ${path} has mode 0644 instead of 0600`,
  })
})

test('a monit that does not run, and a service that it does not know, are told with their mends', async () => {
  const place = { socketPath: join(directory, 'none') }
  const [nobody, unknown] = [
    await open(place).look(1000),
    await open(await listen(), { monitName: 'other' }).look(1000),
  ]
  expect([nobody, unknown].map((looked) => (looked.ok ? null : looked.fault))).toEqual([
    {
      code: 'HA_SERVICE_REFUSED',
      message: `look at lb: monit at ${place.socketPath} does not listen: start it, or mend the place of its "set httpd"`,
    },
    {
      code: 'HA_SERVICE_MISSING',
      message: `look at lb: monit at ${join(directory, 'socket')} knows no service other: mend the name, or have monit read its configuration again`,
    },
  ])
})
