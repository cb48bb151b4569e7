/** Goal: an operator sees what is kept, and what is asked for reaches the agent as it was meant. */
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/data.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { operationWith } from '../fixtures/control-documents.ts'
import { DATA } from '../fixtures/data-document.ts'

let agent: PretendAgent | null = null
afterEach(async () => {
  await agent?.stop()
  agent = null
})

async function typed(args: string[], ports = pretendPorts()) {
  agent = await startPretendAgent(ports)
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
  return { code: await run(args, io), out: io.out, err: io.err, requests: ports.requests }
}

describe('data show', () => {
  test('shows each store, what it waits for, and every archive', async () => {
    const { code, out } = await typed(['show'])
    expect([code, out]).toEqual([
      0,
      `sp2 is standby

store              state                                                            offset  backlog  last return
redis (redis)      follows the peer                                                 4711    0        2026-11-21T10:00:00.000Z  copied: 42 bytes only here
mariadb (mariadb)  alone: could not be linked to the peer: 0-1-12 cannot be undone  ?       -        -

Set aside of redis: 2 of at most 10, 2.0 KiB
  when                      lacking  size                                          what                                                 where
  2026-11-21T09:59:59.000Z  42       1.5 KiB                                       Set aside 7 keys of redis; 42 bytes the peer lacks.  /var/lib/tandem/archive/redis/redis-2
  2026-11-20T09:59:59.000Z  ?        512 bytes  not known whether it is elsewhere                                                       /var/lib/tandem/archive/redis/redis-1

Nothing of mariadb was set aside.
`,
    ])
  })

  test('prints the document itself with --json', async () => {
    const { out } = await typed(['show', '--json'])
    expect(JSON.parse(out)).toEqual(DATA)
  })

  test('says first that the node may lack data, and where there is no store', async () => {
    const document = { ...DATA, behind: 'the peer served last', stores: [] }
    const { out } = await typed(['show'], pretendPorts({ data: async () => document }))
    expect(out).toBe(
      'sp2 is standby\n\nMay lack data: the peer served last\n\nNo store is configured under tandem.stores.\n',
    )
  })
})

describe('data archive and rejoin', () => {
  test('hand on what was typed, and say the end', async () => {
    expect(await typed(['archive', 'redis'])).toEqual({
      code: 0,
      out: 'done: set aside; see tandem data show\n',
      err: '',
      requests: [{ node: null, force: false, store: 'redis', kind: 'data-archive' }],
    })
    await agent?.stop()
    const rejoined = await typed(['rejoin', '--copy', 'redis'])
    expect([rejoined.out, rejoined.requests]).toEqual([
      'done: the store follows the peer\n',
      [{ node: null, force: false, store: 'redis', kind: 'data-rejoin', copy: true }],
    ])
  })

  test('end with 6 and the reason when it failed', async () => {
    const reason = {
      code: 'data-rejoin-failed',
      sentence: 'redis could not be linked',
      mend: 'ask',
    }
    const failed = operationWith({ kind: 'data-rejoin', state: 'failed', reason })
    const ports = pretendPorts({ operate: async () => failed })
    const { code, err } = await typed(['rejoin', 'redis'], ports)
    expect([code, err]).toEqual([
      6,
      'tandem data: failed: redis could not be linked (data-rejoin-failed)\n  mend: ask\n',
    ])
  })

  test.each([
    [[], 'missing argument: show|archive|rejoin'],
    [['shaw'], "'shaw' is none of show, archive, rejoin"],
    [['show', 'redis'], "unexpected argument 'redis'"],
    [['show', '--copy'], '--copy does not belong to show'],
    [['archive'], 'missing argument: NAME'],
    [['archive', 'redis', '--copy'], '--copy belongs to: tandem data rejoin NAME'],
    [['redis', 'rejoin'], "'redis' is none of show, archive, rejoin"],
    [
      ['rejoin', 'redis', '--node', 'sp1'],
      '--node means nothing here: run it on the node it is about',
    ],
  ])('refuse %j with one sentence', async (args, complaint) => {
    const { code, err, requests } = await typed(args)
    expect([code, err, requests]).toEqual([
      1,
      `tandem data: ${complaint}\n  see: tandem data --help\n`,
      [],
    ])
  })
})
