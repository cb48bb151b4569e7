import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/history.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { HISTORY } from '../fixtures/control-documents.ts'

let agent: PretendAgent | null = null
afterEach(async () => {
  await agent?.stop()
  agent = null
})

async function shown(args: string[], ports = pretendPorts()) {
  agent = await startPretendAgent(ports)
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
  return { code: await run(args, io), out: io.out, err: io.err }
}

describe('history', () => {
  test('lists each change with its reason', async () => {
    const ports = pretendPorts()
    expect(await shown(['--limit', '2'], ports)).toStrictEqual({
      code: 0,
      out: `TIME                      FROM     TO      TERM  OUTAGE  REASON
2026-11-21T11:56:40.000Z  elect    active  7     48 ms   elected: the peer granted the lease
2026-11-21T11:56:39.900Z  standby  elect   5     ?       no node is active and this one ranks first

TIME                      TAKEN OVER BY  TERM  STORE  WRITES OF THE LAST  LOST AT MOST  EXACTLY
2026-11-21T11:56:40.000Z  sp1            7     redis  820 ms              41 kB         1.2 kB
`,
      err: '',
    })
    expect(ports.limits).toStrictEqual([2])
  })

  test('shows below a takeover what was done, and when', async () => {
    const [first, ...others] = HISTORY.transitions
    if (first === undefined) throw new Error('no history')
    const steps = [
      { afterMs: 1.4, sentence: 'the gate is open' },
      { afterMs: 1_312, sentence: 'lb was started (1200 ms)' },
    ]
    const transitions = [{ ...first, steps }, ...others]
    const history = async () => ({ ...HISTORY, transitions, losses: [] })
    const { out } = await shown([], pretendPorts({ history }))
    expect(out.split('\n').slice(1, 5)).toEqual([
      expect.stringContaining('elected: the peer granted the lease'),
      '     +1 ms  the gate is open',
      '  +1312 ms  lb was started (1200 ms)',
      expect.stringContaining('no node is active'),
    ])
  })

  test('of a node that never changed says so', async () => {
    const history = async () => ({ ...HISTORY, transitions: [], losses: [] })
    const { out } = await shown([], pretendPorts({ history }))
    expect(out).toBe('the role of sp1 has not changed yet\n')
  })

  test('with --json prints the document', async () => {
    expect(JSON.parse((await shown(['--json'])).out)).toStrictEqual(HISTORY)
  })

  test.each(['0', '1001', 'x', '-1'])('refuses the limit %s', async (limit) => {
    const io = capturedIo()
    expect(await run([`--limit=${limit}`], io)).toBe(1)
    expect(io.err).toBe(
      `tandem history: --limit '${limit}' is not a number from 1 to 1000\n  see: tandem history --help\n`,
    )
  })
})
