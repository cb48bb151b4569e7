/**
 * Goal: a node that boots knows whether the peer served last, and stops being behind only when its stores
 * have caught up or take writes. Method: a real directory, and each way the file can be found.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LastServed, readServedBefore } from '../../src/daemon/last-served.ts'

const ISO = '2026-11-21T18:15:29.000Z'
let directory: string
let told: string[]
let opened: LastServed[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-served-'))
  told = []
  opened = []
})

afterEach(async () => {
  for (const served of opened) await served.stop(1000)
  rmSync(directory, { recursive: true, force: true })
})

function lastServed(behind: boolean, stateDir = directory): LastServed {
  const served = new LastServed({
    stateDir,
    before: { behind, sinceIso: null, term: 0 },
    nowIso: () => ISO,
    wait: async () => undefined,
    caughtUp: () => told.push('caught up'),
    trouble: (message) => told.push(message === null ? 'written' : 'trouble'),
  })
  opened.push(served)
  return served
}

describe('what a start finds', () => {
  test.each([
    {
      name: 'nothing, at the first start',
      content: null,
      found: { behind: false, sinceIso: null, term: 0 },
    },
    {
      name: 'that we served',
      content: `us ${ISO} 7`,
      found: { behind: false, sinceIso: ISO, term: 7 },
    },
    {
      name: 'that we served, as an earlier release wrote it',
      content: `us ${ISO}`,
      found: { behind: false, sinceIso: ISO, term: 0 },
    },
    {
      name: 'that the peer served',
      content: `peer ${ISO}`,
      found: { behind: true, sinceIso: ISO, term: 0 },
    },
    { name: 'an empty file', content: '', found: { behind: true, sinceIso: null, term: 0 } },
    {
      name: 'something else',
      content: 'us, I think',
      found: { behind: true, sinceIso: null, term: 0 },
    },
  ])('is $name', async ({ content, found }) => {
    if (content !== null) writeFileSync(join(directory, 'last-served'), `${content}\n`)
    expect(await readServedBefore(directory)).toEqual(found)
  })

  test('is that it may be behind when the file cannot be read', async () => {
    mkdirSync(join(directory, 'last-served'))
    expect(await readServedBefore(directory)).toEqual({ behind: true, sinceIso: null, term: 0 })
  })

  test('is the last word that was written, in a file that keeps its length', async () => {
    const served = lastServed(false, join(directory, 'new'))
    const lengths: number[] = []
    for (const word of ['us', 'peer', 'us', 'peer'] as const) {
      if (word === 'us') served.weServe(7)
      else served.peerServes()
      await served.stop(1000)
      lengths.push(readFileSync(join(directory, 'new', 'last-served')).length)
    }
    expect(lengths).toEqual([64, 64, 64, 64])
    expect(await readServedBefore(join(directory, 'new'))).toEqual({
      behind: true,
      sinceIso: ISO,
      term: 0,
    })
  })

  test('is there when the word was waited for', async () => {
    const served = lastServed(false)
    served.peerServes()
    await served.written(1000)
    expect(await readServedBefore(directory)).toEqual({ behind: true, sinceIso: ISO, term: 0 })
  })

  test('is the last of several words that came in one moment', async () => {
    const served = lastServed(false)
    served.peerServes()
    served.weServe(7)
    served.peerServes()
    served.weServe(7)
    await served.stop(1000)
    expect(await readServedBefore(directory)).toEqual({ behind: false, sinceIso: ISO, term: 7 })
  })
})

describe('a node that is behind', () => {
  const whole = { following: true, backlog: 0 }

  test('is so until every store follows with nothing left to apply', () => {
    const served = lastServed(true)
    served.looked([])
    served.looked([whole, { following: false, backlog: 0 }])
    served.looked([whole, { following: true, backlog: 7 }])
    expect([served.behind, told]).toEqual([true, []])
    served.looked([whole, { following: true, backlog: null }])
    served.looked([whole, whole])
    expect([served.behind, told]).toEqual([false, ['caught up']])
  })

  test('is so until its stores are to take writes', () => {
    const served = lastServed(true)
    served.peerServes()
    expect(served.behind).toBe(true)
    served.weServe(7)
    expect([served.behind, told]).toEqual([false, ['caught up']])
  })

  test('is never made so while it runs', () => {
    const served = lastServed(false)
    served.peerServes()
    served.looked([{ following: false, backlog: null }])
    expect(served.behind).toBe(false)
  })
})

test('a word that cannot be written is tried again and said once', async () => {
  writeFileSync(join(directory, 'file'), '')
  const stateDir = join(directory, 'file')
  let waits = 0
  const served = new LastServed({
    stateDir,
    before: { behind: false, sinceIso: null, term: 0 },
    nowIso: () => ISO,
    wait: async () => {
      waits += 1
      if (waits === 2) rmSync(stateDir)
    },
    caughtUp: () => undefined,
    trouble: (message) => told.push(message === null ? 'written' : 'trouble'),
  })
  served.peerServes()
  for (let tries = 0; tries < 200 && told.length < 2; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect([told, waits]).toEqual([['trouble', 'written'], 2])
})
