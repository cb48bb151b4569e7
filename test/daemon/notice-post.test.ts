/**
 * Goal: a way to the operators that hangs, fails or is flooded holds up no other, is bounded, tried again and
 * shown. Method: a sender and a clock of ours.
 */
import { expect, test } from 'vitest'
import type { AlarmChannel } from '../../src/config/config.ts'
import { type Notice, noticeOf } from '../../src/control/notice.ts'
import { NoticePost } from '../../src/daemon/notice-post.ts'
import type { Delivery } from '../../src/daemon/notice-process.ts'

const COMMAND: AlarmChannel = { kind: 'command', argv: ['/usr/local/bin/page'] }
const WEBHOOK: AlarmChannel = {
  ...{ kind: 'webhook', tokenFile: null, caFile: null },
  url: 'https://chat.example.net/hooks/a-secret-word',
}

function notice(standing: number): Notice {
  return noticeOf({
    ...{ kind: 'news', node: 'sp1', hostName: 'sp1', atIso: 'then', standing },
    ...{ state: 'active', peerState: 'standby', changes: [], alarms: [] },
  })
}

function stage(channels: readonly AlarmChannel[], waiting = {}) {
  const stage = {
    nowMs: 0,
    sent: [] as string[],
    pending: [] as ((delivery: Delivery) => void)[],
  }
  const post = new NoticePost(
    {
      channels,
      now: () => stage.nowMs,
      nowIso: () => `at ${stage.nowMs}`,
      told: () => {},
      send: (channel, { standing }) => {
        stage.sent.push(`${channel.kind} ${standing}`)
        return new Promise((resolve) => stage.pending.push(resolve))
      },
    },
    waiting,
  )
  /** Ends the oldest attempt under way. */
  const end = async (delivery: Delivery): Promise<void> => {
    stage.pending.shift()?.(delivery)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { stage, post, end }
}

const WELL: Delivery = { ok: true, answer: 'fine' }
const ILL: Delivery = { ok: false, why: 'no answer within 20000 ms' }

test('one that hangs holds up no other', async () => {
  const { stage: at, post, end } = stage([COMMAND, WEBHOOK])
  post.add(notice(1))
  post.add(notice(2))
  expect(at.sent).toEqual(['command 1', 'webhook 1'])
  at.pending.reverse()
  await end(WELL)
  expect(at.sent).toEqual(['command 1', 'webhook 1', 'webhook 2'])
  expect(post.channels.map(({ state, queued }) => [state, queued])).toEqual([
    ['sending', 2],
    ['sending', 1],
  ])
})

test('a failure is tried again later and later, shown, and an alarm from the second on', async () => {
  const { stage: at, post, end } = stage([WEBHOOK])
  post.add(notice(1))
  await end(ILL)
  expect(post.raised).toEqual([])
  const tried: number[] = []
  for (at.nowMs = 0; at.nowMs < 3_000_000; at.nowMs += 2_000) {
    const before = at.sent.length
    post.look()
    if (at.sent.length > before) tried.push(at.nowMs / 1_000)
    await end(ILL)
  }
  expect(tried).toEqual([10, 40, 100, 400, 1_300, 2_200])
  expect(post.raised).toEqual([
    {
      ...{ code: 'alarm-channel', about: 'webhook' },
      sentence: 'alarms do not get through by webhook: no answer within 20000 ms',
    },
  ])
  expect(post.channels).toEqual([
    {
      ...{ kind: 'webhook', target: 'https://chat.example.net', state: 'failing', queued: 1 },
      ...{ dropped: 0, failures: 7, why: 'no answer within 20000 ms', deliveredIso: null },
    },
  ])
  at.nowMs = 4_000_000
  post.look()
  await end(WELL)
  expect(post.raised).toEqual([])
  expect(post.channels[0]).toMatchObject({ state: 'idle', queued: 0, why: null })
  expect(post.channels[0]?.deliveredIso).toBe('at 4000000')
})

test('a full queue loses the oldest, counts them, and never the one on its way', async () => {
  const { stage: at, post, end } = stage([COMMAND])
  for (let number = 1; number <= 60; number += 1) post.add(notice(number))
  expect(post.channels[0]).toMatchObject({ queued: 50, dropped: 10 })
  await end(WELL)
  expect(at.sent).toEqual(['command 1', 'command 12'])
})

test('what did not get through is kept for the next start', async () => {
  const first = stage([COMMAND])
  first.post.add(notice(1))
  const next = stage([COMMAND], JSON.parse(JSON.stringify(first.post.waiting)))
  next.post.look()
  expect(next.stage.sent).toEqual(['command 1'])
})
