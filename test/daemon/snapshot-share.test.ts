import { expect, it } from 'vitest'
import type { Snapshot } from '../../src/control/snapshot.ts'
import { SnapshotShare } from '../../src/daemon/snapshot-share.ts'

function stage(): {
  share: SnapshotShare
  answer(): void
  asked(): number
  tick(ms: number): void
} {
  let nowMs = 0
  let asked = 0
  let answer: (() => void)[] = []
  const ask = (): Promise<Snapshot> => {
    asked += 1
    const snapshot = { nowMs } as Snapshot
    return new Promise((resolve) => {
      answer.push(() => resolve(snapshot))
    })
  }
  return {
    share: new SnapshotShare(ask, () => nowMs),
    answer() {
      for (const give of answer.splice(0)) give()
      answer = []
    },
    asked: () => asked,
    tick(ms) {
      nowMs += ms
    },
  }
}

it('all who ask at once are answered by one look, and so are those of the next moment', async () => {
  const { share, answer, asked, tick } = stage()
  const all = [share.shared(), share.shared(), share.shared()]
  answer()
  expect(new Set(await Promise.all(all)).size).toBe(1)
  tick(19)
  await share.shared()
  expect(asked()).toBe(1)
  tick(1)
  const next = share.shared()
  answer()
  expect((await next).nowMs).toBe(20)
  expect(asked()).toBe(2)
})

it('nobody is told what is older than what somebody who asked for himself was told', async () => {
  const { share, answer, tick } = stage()
  const first = share.shared()
  answer()
  await first
  tick(5)
  const own = share.own()
  answer()
  expect((await own).nowMs).toBe(5)
  expect((await share.shared()).nowMs).toBe(5)
})

it('a heart that did not answer is asked again', async () => {
  let fails = true
  const share = new SnapshotShare(
    async () => {
      if (fails) throw new Error('silent')
      return { nowMs: 1 } as Snapshot
    },
    () => 0,
  )
  await expect(share.shared()).rejects.toThrow('silent')
  fails = false
  expect((await share.shared()).nowMs).toBe(1)
})
