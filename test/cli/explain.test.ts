import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/explain.ts'
import type { ExplainDocument } from '../../src/control/schema.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { EXPLAIN } from '../fixtures/control-documents.ts'

let agent: PretendAgent | null = null
afterEach(async () => {
  await agent?.stop()
  agent = null
})

async function shown(document: ExplainDocument, args: string[] = []): Promise<string> {
  agent = await startPretendAgent(pretendPorts({ explain: async () => document }))
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
  expect([await run(args, io), io.err]).toStrictEqual([0, ''])
  return io.out
}

describe('explain', () => {
  test('says why, what stands in the way with its mend, and what if', async () => {
    expect(await shown(EXPLAIN)).toBe(`sp1 is active: elected: the peer granted the lease

In the way of a switchover to sp2
  the peer is not heard (peer-silent)
    mend: check the crosslink and whether its agent runs

To know before a switchover
  mariadb: A long statement holds up a switchover: session 12; wait for it or KILL 12.

What if
  this machine dies                           sp2 serves     within 260 ms
  all ping nodes die and the nodes are apart  nobody serves  no bound
`)
  })

  test('says that nothing stands in the way, and names a role that differs from the state', async () => {
    const document: ExplainDocument = {
      ...EXPLAIN,
      role: 'elect',
      state: 'transition',
      reason: { code: 'elected-candidate', sentence: 'this one ranks first' },
      question: 'an election',
      blockers: [],
      hazards: [],
      ifs: [],
    }
    expect(await shown(document)).toBe(`sp1 is transition (role elect): this one ranks first

Nothing stands in the way of an election.
`)
  })

  test('with --json prints the document', async () => {
    expect(JSON.parse(await shown(EXPLAIN, ['--json']))).toStrictEqual(EXPLAIN)
  })
})
