/**
 * Goal: the API of a real pair over HTTPS tells the truth, takes orders from whoever may give them, and
 * goes on when its process, its certificate or a token does not. Method: curl from a client's machine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabNodeName, namespaceOf, otherNode } from '../../src/lab/plan.ts'
import { attempt, inside, startProgram } from '../../src/lab/process.ts'
import { type ApiPair, apiPair, bearer, makeToken, putCertificate } from '../helpers/api-pair.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import { until } from '../helpers/until.ts'

/** What a program answers on its socket. */
async function askedOf(path: string, question: string): Promise<string> {
  const socket = connect(path)
  const pieces: string[] = []
  socket.setEncoding('utf8').setTimeout(2_000, () => socket.destroy())
  socket.write(`${question}\n`)
  for await (const piece of socket) pieces.push(String(piece))
  return pieces.join('')
}

const PACKAGING = join(import.meta.dirname, '../../packaging/prometheus')
const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('the API of a real pair', () => {
  let pair: ApiPair
  let active: LabNodeName
  beforeAll(async () => {
    pair = await apiPair('tandemapi', ['open: [role]'])
    active = (await pair.begin()).active
  })
  afterAll(async () => {
    await pair?.destroy()
  })

  /** Processes of a node that serve its API. */
  function listeners(node: LabNodeName): number[] {
    return pair.bench.nodes[node].processes().filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dist/api/listener.js')
      } catch {
        return false
      }
    })
  }

  it('a load-balancer learns without credentials who serves, and nothing else', async () => {
    const standby = otherNode(active)
    expect(await pair.curl(active, '/active')).toEqual({ status: 200, body: 'active\n' })
    expect(await pair.curl(standby, '/active')).toEqual({ status: 503, body: 'standby\n' })
    expect(await pair.curl(standby, '/standby')).toEqual({ status: 200, body: 'standby\n' })
    expect((await pair.curl(active, '/active', '--head')).status).toBe(200)
    const known = await pair.curl(active, '/v1/status')
    const unknown = await pair.curl(active, '/v1/nothing')
    expect([known.status, known.body]).toEqual([401, unknown.body])
  })

  it('its process has a low priority, is the first to go, and has no rights of root', async () => {
    const [pid = 0] = listeners(active)
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const bounding = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(status)?.[1]}`)
    const effective = BigInt(`0x${/CapEff:\s*(\w+)/.exec(status)?.[1]}`)
    const netBindService = 1n << 10n
    expect([bounding | netBindService, effective | netBindService]).toEqual([
      netBindService,
      netBindService,
    ])
    expect(/NoNewPrivs:\s*1/.test(status)).toBe(true)
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('500')
    // Field 19 of proc(5), counted behind the name in parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    expect(fields[16]).toBe('10')
  })

  it('an operator moves the role and follows it to its end', async () => {
    const order = ['-d', '{"kind":"make-standby"}', '-H', 'content-type: application/json']
    const path = '/v1/operations'
    const refused = await pair.curl(active, path, ...order, ...bearer(pair.tokens.read))
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([403, 'HA_READ_ONLY'])
    const asked = await pair.curl(active, path, ...order, ...bearer(pair.tokens.operate))
    expect(asked.status).toBe(202)
    const { id } = JSON.parse(asked.body) as { id: string }
    const done = await until(async () => {
      const { body } = await pair.curl(active, `${path}/${id}`, ...bearer(pair.tokens.read))
      const operation = JSON.parse(body) as { state: string; steps: { sentence: string }[] }
      return ['accepted', 'waiting', 'running'].includes(operation.state) ? null : operation
    })
    expect(done.state).toBe('done')
    expect(done.steps.at(-1)?.sentence).toMatch(/is active, term/)
    expect(pair.logOf(active)).toMatch(
      /api-order.*carol at 10\.71\.0\.200 asked \/v1\/operations: 202/,
    )
    active = otherNode(active)
    expect((await pair.curl(active, '/active')).status).toBe(200)
  })

  it('haproxy sends to the node that serves, and to the other one after a move', async () => {
    const { workDir } = pair.lab.plan
    const socket = `${workDir}/haproxy.sock`
    const server = (node: LabNodeName): string =>
      `  server ${node} ${pair.url(node, '').replace('https://', '')} check inter 200 fall 1 rise 1 ssl verify required ca-file ${pair.trustFile}`
    const lines = [
      ...['global', `  stats socket ${socket}`],
      ...['defaults', '  mode http', '  timeout connect 1s', '  timeout client 1s'],
      ...['  timeout server 1s', 'backend pair', '  option httpchk GET /active'],
      `  http-check send hdr authorization "Bearer ${pair.tokens.read}"`,
      ...[server('sp1'), server('sp2')],
    ]
    writeFileSync(`${workDir}/haproxy.cfg`, `${lines.join('\n')}\n`)
    const client = namespaceOf(pair.lab.plan, 'client')
    const program = ['haproxy', '-db', '-f', `${workDir}/haproxy.cfg`]
    const haproxy = startProgram(inside(client, program), { logFile: `${workDir}/haproxy.log` })
    /** Servers that it would send to. */
    const up = async (): Promise<string[]> => {
      const rows = (await askedOf(socket, 'show stat')).split('\n').map((row) => row.split(','))
      const names = rows[0] ?? []
      const [name, status] = [names.indexOf('svname'), names.indexOf('status')]
      return rows.flatMap((row) =>
        row[status] === 'UP' && row[name]?.startsWith('sp') === true ? [row[name]] : [],
      )
    }
    try {
      await until(async () => (await up().catch(() => [])).join() === active)
      const order = ['-d', '{"kind":"make-standby"}', '-H', 'content-type: application/json']
      const asked = [...order, ...bearer(pair.tokens.operate)]
      expect((await pair.curl(active, '/v1/operations', ...asked)).status).toBe(202)
      active = otherNode(active)
      await until(async () => (await up()).join() === active)
    } finally {
      process.kill(haproxy.pid, 'SIGKILL')
    }
  })

  it('many pairs are shown, switched and reloaded from one place', async () => {
    const { workDir } = pair.lab.plan
    writeFileSync(`${workDir}/fleet.token`, pair.tokens.operate, { mode: 0o600 })
    const doors = (['sp1', 'sp2'] as const).map((node) => `${node}: "${pair.url(node, '')}"`)
    const files = `token_file: ${workDir}/fleet.token\nca_file: ${pair.trustFile}\n`
    writeFileSync(`${workDir}/fleet.yml`, `${files}pairs:\n  lab: {${doors.join(', ')}}\n`)
    const client = namespaceOf(pair.lab.plan, 'client')
    const fleet = async (...args: string[]) => {
      const tandem = join(import.meta.dirname, '../../dist/cli/tandem.js')
      const words = [process.execPath, tandem, 'fleet', ...args]
      const typed = [...words, '--inventory', `${workDir}/fleet.yml`, '--settle', '1']
      return await attempt(
        'fleet',
        inside(client, args[0] === 'status' ? typed.slice(0, -2) : typed),
        {
          timeoutMs: 60_000,
        },
      )
    }
    const shown = await fleet('status', '--json')
    expect(JSON.parse(shown.stdout)).toMatchObject({ pairs: [{ name: 'lab', active }] })
    const moved = await fleet('switch', 'lab')
    expect([moved.ok, moved.stdout]).toEqual([
      true,
      expect.stringMatching(
        new RegExp(`^lab: done: ${otherNode(active)} is active, ${active} stands by`),
      ),
    ])
    active = otherNode(active)
    expect((await pair.curl(active, '/active')).status).toBe(200)
    const reloaded = await fleet('reload', '--all')
    expect([reloaded.ok, reloaded.stdout]).toEqual([
      true,
      expect.stringMatching(/^lab: done: both/),
    ])
    expect((await pair.curl(active, '/active')).status).toBe(200)
    // A certificate that nobody vouches for is no answer.
    writeFileSync(
      `${workDir}/fleet.yml`,
      `token_file: ${workDir}/fleet.token\npairs:\n  lab: {${doors.join(', ')}}\n`,
    )
    const untrusted = await fleet('switch', 'lab')
    expect([untrusted.ok, untrusted.stdout]).toEqual([
      false,
      expect.stringContaining('is not trusted'),
    ])
  })

  it('is back when its process was killed, and nothing else noticed', async () => {
    const before = (await pair.status(active)).local.term
    for (const pid of listeners(active)) process.kill(pid, 'SIGKILL')
    await until(async () => (await pair.curl(active, '/active')).status === 200)
    expect(pair.logOf(active)).toMatch(/serve the API: nice ended \(SIGKILL\)/)
    const after = await pair.status(active)
    expect([after.local.state, after.local.term]).toEqual(['active', before])
  })

  it('Prometheus scrapes both nodes with a token and judges them', {
    timeout: 120_000,
  }, async () => {
    const { workDir } = pair.lab.plan
    const targets = ['sp1', 'sp2'].map((name) =>
      pair.url(name as LabNodeName, '').replace('https://', ''),
    )
    // The example that is shipped, with this pair's places in it.
    const shipped = readFileSync(join(PACKAGING, 'prometheus.yml'), 'utf8')
    const config = shipped
      .replace(/scrape_interval: \S+/, 'scrape_interval: 1s')
      .replace(/evaluation_interval: \S+/, 'evaluation_interval: 1s')
      .replace(/rule_files: .*/, `rule_files: [${join(PACKAGING, 'alerts.yml')}]`)
      .replace(/ca_file: .*/, `ca_file: ${pair.trustFile}`)
      .replace(/credentials_file: .*/, `credentials_file: ${workDir}/prometheus.token`)
      .replace(/targets: .*/, `targets: [${targets.join(', ')}]`)
    writeFileSync(`${workDir}/prometheus.token`, pair.tokens.read)
    writeFileSync(`${workDir}/prometheus.yml`, config)
    const client = namespaceOf(pair.lab.plan, 'client')
    const program = [
      ...['prometheus', `--config.file=${workDir}/prometheus.yml`],
      ...[`--storage.tsdb.path=${workDir}/prometheus`, '--web.listen-address=127.0.0.1:9090'],
    ]
    const prometheus = startProgram(inside(client, ['nice', ...program]), {
      logFile: `${workDir}/prometheus.log`,
    })
    const query = async (expression: string): Promise<Record<string, string>> => {
      const about = ['-G', '--data-urlencode', `query=${expression}`]
      const url = 'http://127.0.0.1:9090/api/v1/query'
      const found = await attempt('query', inside(client, ['curl', '-sfS', ...about, url]))
      if (!found.ok) return {}
      const { data } = JSON.parse(found.stdout) as {
        data: { result: { metric: { instance: string }; value: [number, string] }[] }
      }
      return Object.fromEntries(
        data.result.map(({ metric, value }) => [metric.instance ?? '', value[1]]),
      )
    }
    try {
      const [sp1 = '', sp2 = ''] = targets
      await until(
        async () => (await query('up == 1 and on (instance) tandem_build_info'))[sp2] === '1',
      )
      await until(async () => (await query('up'))[sp1] === '1')
      expect(await query('tandem_gate_open')).toEqual({
        [sp1]: active === 'sp1' ? '1' : '0',
        [sp2]: active === 'sp2' ? '1' : '0',
      })
      expect(await query('tandem_peer_heard')).toEqual({ [sp1]: '1', [sp2]: '1' })
      expect(await query('sum by (job) (tandem_gate_open)')).toEqual({ '': '1' })
      const critical = await query('ALERTS{severity="critical",alertstate="firing"}')
      expect(critical).toEqual({})
      writeFileSync(`${workDir}/prometheus.token`, 'tandem_wrong')
      await until(async () => (await query('up'))[sp1] === '0' && (await query('up'))[sp2] === '0')
    } finally {
      process.kill(prometheus.pid, 'SIGKILL')
    }
  })

  it('takes up a new certificate and a new token, and keeps the old ones while the new are bad', async () => {
    const status = async (token: string) =>
      (await pair.curl(active, '/v1/status', ...bearer(token))).status
    putCertificate(pair, makeCertificate('IP:10.71.0.1,IP:10.71.0.2', 90))
    const fresh = await makeToken(pair.tokenFile, 'read', `fresh-${Date.now()}`)
    // curl trusts the new certificate only.
    await until(async () => (await status(fresh)) === 200)
    expect(await status(pair.tokens.read)).toBe(200)
    const { key } = makeCertificate('IP:10.71.0.9', 90)
    putCertificate(pair, { key, cert: readFileSync(pair.certificateFile, 'utf8') })
    const alarm = await until(async () => {
      const { alarms } = await pair.status(active)
      return alarms.find(({ code }) => code === 'api') ?? null
    })
    expect(alarm.sentence).toMatch(/^the API: .*api\.key does not belong to the certificate/)
    expect(await status(fresh)).toBe(200)
  })
})
