import { afterEach, describe, expect, test } from 'vitest'
import { run as drain } from '../../src/cli/drain.ts'
import { run as maintenance } from '../../src/cli/maintenance.ts'
import { run as makeActive } from '../../src/cli/make-active.ts'
import { run as makeStandby } from '../../src/cli/make-standby.ts'
import type { OperationDocument } from '../../src/control/schema.ts'
import type { ControlPorts } from '../../src/control/server.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import {
  type PretendAgent,
  type PretendPorts,
  pretendPorts,
  startPretendAgent,
} from '../fixtures/control-agent.ts'
import { operationWith } from '../fixtures/control-documents.ts'

let agent: PretendAgent | null = null
afterEach(async () => {
  await agent?.stop()
  agent = null
})

/** An agent whose operation goes through these stages, one per look at it; the last one stays. */
function through(...stages: Array<Partial<OperationDocument>>): PretendPorts {
  let looked = 0
  const next = (): OperationDocument => {
    const stage = stages[Math.min(looked, stages.length - 1)]
    looked += 1
    return operationWith(stage ?? {})
  }
  const requests: PretendPorts['requests'] = []
  const ports: Partial<ControlPorts> = {
    operate: async (request) => {
      requests.push(request)
      return next()
    },
    operation: async () => next(),
  }
  return { ...pretendPorts(ports), requests }
}

async function typed(command: typeof makeActive, args: string[], ports: ControlPorts) {
  agent = await startPretendAgent(ports)
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir, TANDEM_NODE: 'sp2' } })
  return { code: await command(args, io), out: io.out, err: io.err }
}

const STEPS = [
  { atMs: 0.4, sentence: 'writes are frozen' },
  { atMs: 31, sentence: 'sp1 released the right' },
  { atMs: 58.2, sentence: 'sp2 is active, term 8' },
]

describe('make-standby', () => {
  test('waits, prints each step once and says what is so now', async () => {
    const ports = through(
      { state: 'accepted' },
      { state: 'running', steps: STEPS.slice(0, 1) },
      { state: 'running', steps: STEPS.slice(0, 2) },
      { state: 'done', steps: STEPS },
    )
    expect(await typed(makeStandby, [], ports)).toStrictEqual({
      code: 0,
      out: `  0.4 ms  writes are frozen
   31 ms  sp1 released the right
   58 ms  sp2 is active, term 8
done: sp1 is standby
`,
      err: '',
    })
    expect(ports.requests).toStrictEqual([{ kind: 'make-standby', node: null, force: false }])
  })

  test('of a node that is standby already is a success', async () => {
    const already = {
      state: 'done' as const,
      steps: [{ atMs: 0, sentence: 'sp1 is standby already' }],
    }
    expect(await typed(makeStandby, [], through(already))).toStrictEqual({
      code: 0,
      out: '    0 ms  sp1 is standby already\ndone: sp1 is standby\n',
      err: '',
    })
  })

  test.each([
    ['refused', 3, 'refused: the peer is not heard (peer-silent)\n  mend: check the crosslink'],
    ['failed', 6, 'failed: the peer is not heard (peer-silent)\n  mend: check the crosslink'],
    [
      'timed-out',
      4,
      'the agent gave up; nothing more will happen: the peer is not heard (peer-silent)\n  mend: check the crosslink',
    ],
    [
      'done-unverified',
      5,
      'done, but not verified: sp1 is standby: the peer is not heard (peer-silent)\n  mend: check the crosslink',
    ],
  ] as const)('that ends %s has exit code %d and its reason', async (state, code, text) => {
    const reason = {
      code: 'peer-silent',
      sentence: 'the peer is not heard',
      mend: 'check the crosslink',
    }
    expect(await typed(makeStandby, [], through({ state, reason }))).toStrictEqual({
      code,
      out: '',
      err: `tandem make-standby: ${text}\n`,
    })
  })

  test('does not wait with --no-wait', async () => {
    const ports = through({ state: 'accepted' }, { state: 'done' })
    expect(await typed(makeStandby, ['--no-wait'], ports)).toStrictEqual({
      code: 0,
      out: 'accepted: see tandem status for the outcome\n',
      err: '',
    })
  })

  test('with --no-wait still tells a refusal', async () => {
    const ports = through({ state: 'refused' })
    expect((await typed(makeStandby, ['--no-wait'], ports)).code).toBe(3)
  })

  test('stops waiting at its time limit and says that it may still happen', async () => {
    const startMs = performance.now()
    const answer = await typed(makeStandby, ['--timeout', '0.2'], through({ state: 'running' }))
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(answer).toStrictEqual({
      code: 4,
      out: '',
      err: 'tandem make-standby: not done within 200 ms, and still running; see tandem status\n',
    })
  })

  test('with --json prints the last document only, and keeps the exit code', async () => {
    const ports = through({ state: 'running', steps: STEPS.slice(0, 1) }, { state: 'failed' })
    const { code, out, err } = await typed(makeStandby, ['--json'], ports)
    expect([code, JSON.parse(out), err]).toStrictEqual([6, operationWith({ state: 'failed' }), ''])
  })

  test('goes on following over lost answers, and never repeats the order', async () => {
    const ports = through({ state: 'running' }, { state: 'running' }, { state: 'done' })
    let looks = 0
    const flaky: ControlPorts = {
      ...ports,
      operation: (id) => {
        looks += 1
        return looks % 2 === 1 ? Promise.reject(new Error('lost')) : ports.operation(id)
      },
    }
    expect((await typed(makeStandby, [], flaky)).code).toBe(0)
    expect(ports.requests.length).toBe(1)
  })

  test('ends when the agent has forgotten the operation', async () => {
    const ports = { ...through({ state: 'running' }), operation: async () => null }
    expect(await typed(makeStandby, [], ports)).toStrictEqual({
      code: 2,
      out: '',
      err:
        'tandem make-standby: no operation has the id op-1\n' +
        '  mend: the agent forgets operations when it restarts; look at: tandem status\n',
    })
  })

  test('without an agent ends with 2', async () => {
    const io = capturedIo({ env: { TANDEM_RUN: '/nowhere' } })
    expect(await makeStandby([], io)).toBe(2)
    expect(io.err).toContain('no agent answers at /nowhere/control.sock')
  })
})

describe('make-active', () => {
  test('is about the node after --node, and not about TANDEM_NODE', async () => {
    const ports = through({ kind: 'make-active', node: 'sp2', state: 'done' })
    expect((await typed(makeActive, ['--node', 'sp2', '--force'], ports)).out).toBe(
      'done: sp2 is active\n',
    )
    expect(ports.requests).toStrictEqual([{ kind: 'make-active', node: 'sp2', force: true }])
  })

  test('refuses a name that is no node of a pair', async () => {
    const io = capturedIo()
    expect(await makeActive(['--node', 'sp3'], io)).toBe(1)
    expect(io.err).toBe(
      "tandem make-active: --node 'sp3' is not a node of the pair (sp1 or sp2)\n" +
        '  see: tandem make-active --help\n',
    )
  })
})

describe('drain', () => {
  test('is handed on', async () => {
    const ports = through({ kind: 'drain', state: 'done' })
    expect(await typed(drain, ['on'], ports)).toStrictEqual({
      code: 0,
      out: 'done: every load-balancer was seen to know it\n',
      err: '',
    })
    expect(ports.requests).toStrictEqual([{ kind: 'drain', node: null, force: false, on: true }])
  })

  test.each([
    [[], 'missing argument: on|off'],
    [['yes'], "'yes' is neither on nor off"],
    [['on', '--node', 'sp1'], '--node means nothing here: it is about both nodes'],
  ])('refuses %j', async (args, complaint) => {
    const io = capturedIo()
    expect(await drain(args, io)).toBe(1)
    expect(io.err).toBe(`tandem drain: ${complaint}\n  see: tandem drain --help\n`)
  })
})

describe('maintenance', () => {
  test('on and off are handed on', async () => {
    const steps = [{ atMs: 0, sentence: 'sp1 is in maintenance' }]
    const ports = through({ kind: 'maintenance', state: 'done', steps })
    expect(await typed(maintenance, ['on'], ports)).toStrictEqual({
      code: 0,
      out: '    0 ms  sp1 is in maintenance\ndone: sp1 is in maintenance\n',
      err: '',
    })
    await agent?.stop()
    await typed(maintenance, ['off', '--node', 'sp1', '--force'], ports)
    expect(ports.requests).toStrictEqual([
      { kind: 'maintenance', node: null, force: false, on: true },
      { kind: 'maintenance', node: 'sp1', force: true, on: false },
    ])
  })

  test.each([
    [[], 'missing argument: on|off'],
    [['of'], "'of' is neither on nor off"],
    [['on', 'off'], "unexpected argument 'off'"],
  ])('refuses %j', async (args, complaint) => {
    const io = capturedIo()
    expect(await maintenance(args, io)).toBe(1)
    expect(io.err).toBe(`tandem maintenance: ${complaint}\n  see: tandem maintenance --help\n`)
  })
})
