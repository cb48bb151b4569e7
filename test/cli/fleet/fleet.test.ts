/**
 * Goal: many pairs are told apart rightly, and what changes them goes one by one and stops at the first doubt.
 * Method: pairs that are pretended, each node answering as the real one would; the command as it is typed, over
 * real HTTPS.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { roll, type Task } from '../../../src/cli/fleet/roll.ts'
import { judge, type NodeView } from '../../../src/cli/fleet/survey.ts'
import { run } from '../../../src/cli/fleet.ts'
import type { AskFailure, ControlClient } from '../../../src/control/client.ts'
import type { OperationRequest, StatusDocument } from '../../../src/control/schema.ts'
import { type NodeName, peerOf } from '../../../src/core/policy.ts'
import { capturedIo } from '../../fixtures/captured-io.ts'
import { EXPLAIN, operationWith, STATUS } from '../../fixtures/control-documents.ts'
import { type Certificate, makeCertificate } from '../../helpers/certificate.ts'

const GONE: AskFailure = {
  ok: false,
  code: 'unreachable',
  errorCode: 'HA_CONTROL_UNREACHABLE',
  message: 'nobody listens',
  mend: 'start it',
}

/** A pair that does what it is told. */
class PretendPair {
  active: NodeName | null = 'sp1'
  gone: NodeName | null = null
  blocker: string | null = null
  /** Codes of alarms that it has once its role moved. */
  alarmsAfter: string[] = []
  moves = true
  readonly asked: string[] = []
  #moved = false

  status(node: NodeName): StatusDocument {
    const state = this.active === node ? 'active' : 'standby'
    const peer = this.active === peerOf(node) ? 'active' : 'standby'
    const alarms = this.#moved ? this.alarmsAfter : []
    return {
      ...STATUS,
      ...{ node, peerNode: peerOf(node) },
      local: { ...STATUS.local, state },
      peer: { ...STATUS.peer, state: peer },
      alarms: alarms.map((code) => ({ code, about: '', sentence: code, mend: '-', sinceIso: '' })),
    }
  }

  operate(node: NodeName, { kind, node: target }: OperationRequest) {
    this.asked.push(`${node} ${kind}`)
    if (kind === 'make-active' && this.moves) this.active = target
    this.#moved = true
    return operationWith({ kind, state: 'done' })
  }

  explain() {
    const blockers = this.blocker === null ? [] : [{ code: 'x', sentence: this.blocker, mend: 'm' }]
    return { ...EXPLAIN, switchover: { to: 'sp2' as const, blockers } }
  }

  client(node: NodeName): ControlClient {
    const answer = <T>(value: T) => (this.gone === node ? GONE : { ok: true as const, value })
    const never = async () => GONE
    return {
      status: async () => answer(this.status(node)),
      explain: async () => answer(this.explain()),
      operate: async (request) => (this.gone === node ? GONE : answer(this.operate(node, request))),
      ...{ history: never, data: never, operation: never, keepRecord: never },
    }
  }

  named(name: string) {
    return { name, clients: { sp1: this.client('sp1'), sp2: this.client('sp2') } }
  }
}

const view = (status: StatusDocument | null): NodeView => ({ status, why: status ? null : 'gone' })
const as = (node: NodeName, active: NodeName | null, more: Partial<StatusDocument> = {}) => {
  const pair = new PretendPair()
  pair.active = active
  return view({ ...pair.status(node), ...more })
}

describe('a pair', () => {
  test.each([
    ['is well', as('sp1', 'sp2'), as('sp2', 'sp2'), 'well', 'sp2'],
    ['is served by the node that answers', as('sp1', 'sp1'), view(null), 'degraded', 'sp1'],
    ['is served by the node that does not', as('sp1', 'sp2'), view(null), 'degraded', 'sp2'],
    ['is not served', as('sp1', null), as('sp2', null), 'unserved', null],
    ['has two that serve', as('sp1', 'sp1'), as('sp2', 'sp2'), 'both-active', null],
    ['does not answer', view(null), view(null), 'unknown', null],
    ['answers of one that knows of nobody', as('sp1', null), view(null), 'unknown', null],
  ] as const)('%s', (_, sp1, sp2, verdict, active) => {
    expect(judge('vienna', { sp1, sp2 })).toMatchObject({ verdict, active })
  })

  test('with an alarm or in maintenance is degraded, and says why', () => {
    const alarm = { code: 'a', about: '', sentence: 'the disk is full', mend: '-', sinceIso: '' }
    const ill = judge('a', { sp1: as('sp1', 'sp1', { alarms: [alarm] }), sp2: as('sp2', 'sp1') })
    expect([ill.verdict, ill.notes]).toEqual(['degraded', ['sp1: the disk is full']])
    const kept = as('sp2', 'sp1', {
      local: { ...STATUS.local, state: 'standby', maintenance: true },
    })
    const away = judge('a', { sp1: as('sp1', 'sp1'), sp2: kept })
    expect([away.verdict, away.notes]).toEqual(['degraded', ['sp2: in maintenance']])
  })
})

describe('a change that rolls over pairs', () => {
  const HOW = { parallel: 1, limitMs: 100, settleMs: 0, said: () => {} }
  const SWITCH: Task = { kind: 'switch', to: null, note: 'test' }
  const rolled = async (pairs: Record<string, PretendPair>, task = SWITCH, parallel = 1) => {
    const named = Object.entries(pairs).map(([name, pair]) => pair.named(name))
    const outcomes = await roll(named, task, { ...HOW, parallel })
    return Object.fromEntries(outcomes.map(({ name, result, told }) => [name, [result, told]]))
  }

  test('moves the role of each, once', async () => {
    const pairs = { a: new PretendPair(), b: new PretendPair() }
    const outcomes = await rolled(pairs)
    expect(outcomes['a']?.[1]).toMatch(/^sp2 is active, sp1 stands by, asked and done in /)
    expect([outcomes['a']?.[0], outcomes['b']?.[0]]).toEqual(['done', 'done'])
    expect([pairs.a.asked, pairs.b.asked]).toEqual([['sp1 make-active'], ['sp1 make-active']])
  })

  test('leaves a pair alone whose role is where it shall be', async () => {
    const pairs = { a: new PretendPair(), b: new PretendPair() }
    pairs.a.active = 'sp2'
    const outcomes = await rolled(pairs, { ...SWITCH, to: 'sp2' })
    expect(outcomes['a']).toEqual(['already', 'sp2 is active already'])
    expect([outcomes['b']?.[0], pairs.a.asked]).toEqual(['done', []])
  })

  test.each([
    ['a node does not answer', { gone: 'sp2' }, 'refused', /sp2: nobody listens/],
    ['nobody serves', { active: null }, 'refused', /^it is unserved/],
    ['something stands in the way', { blocker: 'a store lags' }, 'refused', /^a store lags \(m\)$/],
  ] as const)('stops before anything is asked where %s', async (_, spoil, result, told) => {
    const pairs = { a: new PretendPair(), b: new PretendPair(), c: new PretendPair() }
    Object.assign(pairs.b, spoil)
    const outcomes = await rolled(pairs)
    expect(outcomes['a']?.[0]).toBe('done')
    expect(outcomes['b']).toEqual([result, expect.stringMatching(told)])
    expect(outcomes['c']).toEqual(['left', 'not begun'])
    expect([pairs.b.asked, pairs.c.asked]).toEqual([[], []])
  })

  test('reloads the standby first', async () => {
    const pairs = { a: new PretendPair() }
    expect((await rolled(pairs, { ...SWITCH, kind: 'reload' }))['a']?.[0]).toBe('done')
    expect(pairs.a.asked).toEqual(['sp2 reload', 'sp1 reload'])
  })

  test('begins none after the first doubt, however many are under way', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const pairs = Object.fromEntries(names.map((name) => [name, new PretendPair()]))
    const [first] = Object.values(pairs)
    if (first !== undefined) first.blocker = 'no'
    const outcomes = await rolled(pairs, SWITCH, 2)
    expect(names.map((name) => outcomes[name]?.[0])).toEqual([
      'refused',
      'done',
      'left',
      'left',
      'left',
    ])
  })
})

describe('tandem fleet', () => {
  let certificate: Certificate
  let place: string
  const servers: Server[] = []
  const TOKEN = 'tandem_right'
  beforeAll(() => {
    certificate = makeCertificate('IP:127.0.0.1')
    place = mkdtempSync(join(tmpdir(), 'tandem-fleet-'))
    writeFileSync(join(place, 'ca.pem'), certificate.cert)
    writeFileSync(join(place, 'token'), TOKEN, { mode: 0o600 })
    return () => rmSync(place, { recursive: true })
  })
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  /** @returns its origin */
  async function serve(pair: PretendPair, node: NodeName): Promise<string> {
    const server = createServer({ ...certificate }, (request, response) => {
      const known = request.headers.authorization === `Bearer ${TOKEN}`
      const refusal = {
        schema: 1,
        code: 'HA_UNAUTHORIZED',
        message: 'who are you?',
        mend: 'a token',
      }
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const order = request.method === 'POST' ? Buffer.concat(chunks).toString() : null
        const document =
          order !== null
            ? pair.operate(node, JSON.parse(order))
            : request.url === '/v1/explain'
              ? pair.explain()
              : pair.status(node)
        response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
        response.end(JSON.stringify(known ? document : refusal))
      })
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async function inventory(pairs: Record<string, PretendPair>, files: string): Promise<string> {
    const lines: string[] = []
    for (const [name, pair] of Object.entries(pairs)) {
      const [sp1, sp2] = [await serve(pair, 'sp1'), await serve(pair, 'sp2')]
      lines.push(`  ${name}: {sp1: "${sp1}", sp2: "${sp2}"}`)
    }
    const file = join(place, 'fleet.yml')
    writeFileSync(file, `${files}\npairs:\n${lines.join('\n')}\n`)
    return file
  }
  const both = () => `token_file: ${place}/token\nca_file: ${place}/ca.pem`

  async function typed(...args: string[]) {
    const io = capturedIo()
    return { code: await run(args, io), out: io.out, err: io.err }
  }

  test('shows every pair, moves those that are named, and ends with a code that says how it is', async () => {
    const pairs = { vienna: new PretendPair(), graz: new PretendPair() }
    pairs.graz.active = 'sp2'
    const file = await inventory(pairs, both())
    const shown = await typed('status', '--inventory', file)
    expect([shown.code, shown.err]).toEqual([0, ''])
    expect(shown.out).toMatch(
      /^PAIR +STATE +SP1 +SP2 +TERM +ALARMS +VERSION\nvienna +well +active +standby +7 +0/,
    )
    expect(shown.out).toMatch(/\n2 pairs: 2 well\n$/)
    const planned = await typed('switch', 'graz', '--inventory', file, '--dry-run')
    expect([planned.code, planned.out]).toEqual([0, 'graz: sp2 -> sp1\n'])
    expect(pairs.graz.asked).toEqual([])
    const moved = await typed('switch', 'graz', '--inventory', file, '--settle', '0', '--json')
    expect(JSON.parse(moved.out).pairs).toEqual([
      { name: 'graz', result: 'done', told: expect.stringMatching(/^sp1 is active/) },
    ])
    expect([pairs.graz.active, pairs.vienna.asked]).toEqual(['sp1', []])
    pairs.vienna.active = null
    const bad = await typed('status', 'vienna', '--inventory', file, '--json')
    expect([bad.code, JSON.parse(bad.out).pairs[0].verdict]).toEqual([6, 'unserved'])
  })

  test('says of a stranger, and of a certificate that nobody vouches for, what it is', async () => {
    writeFileSync(join(place, 'wrong'), 'tandem_wrong', { mode: 0o600 })
    const stranger = await inventory(
      { vienna: new PretendPair() },
      `token_file: ${place}/wrong\nca_file: ${place}/ca.pem`,
    )
    const refused = await typed('status', '--inventory', stranger)
    expect([refused.code, refused.out]).toEqual([2, expect.stringContaining('who are you?')])
    expect(refused.out).not.toContain('tandem_wrong')
    const unvouched = await inventory({ vienna: new PretendPair() }, `token_file: ${place}/token`)
    const untrusted = await typed('status', '--inventory', unvouched)
    expect([untrusted.code, untrusted.out]).toEqual([2, expect.stringContaining('is not trusted')])
  })

  test.each([
    [['stauts'], /'stauts' is none of status, switch, reload/],
    [['switch'], /switch wants the names of pairs, or --all/],
    [['switch', 'a', '--all'], /either names of pairs, or --all/],
    [['status', '--all'], /--all does not belong to status/],
    [['reload', 'a', '--to', 'sp1'], /--to belongs to switch/],
    [['switch', 'a', '--to', 'sp3'], /write sp1 or sp2/],
    [['switch', 'a', '--parallel', '0'], /not a whole number from 1 to 32/],
    [['switch', 'a', '--settle', 'x'], /not a number of seconds/],
    [['switch', 'nowhere'], /'nowhere' is not in the inventory, which has vienna/],
  ] as const)('refuses %j', async (args, complaint) => {
    const file = await inventory({ vienna: new PretendPair() }, both())
    const { code, err } = await typed(...args, '--inventory', file)
    expect([code, err]).toEqual([1, expect.stringMatching(complaint)])
  })

  test('names every mistake of the inventory and asks nobody', async () => {
    const { code, err } = await typed('status', '--inventory', join(place, 'none.yml'))
    expect([code, err]).toEqual([3, expect.stringContaining('tandem fleet --help')])
  })
})
