/**
 * Does the pretend server behave as the real one was measured to? Who is confirmed when, and what is left
 * after a crash, a promotion and a return.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { StoreServer } from '../../src/sim/store-server.ts'

const TIMEOUT_MS = 8100

interface Pair {
  nowMs: number
  active: StoreServer
  copy: StoreServer
  confirmed: string[]
  dropped: number[][]
}

function pair(): Pair {
  const made: Pick<Pair, 'nowMs' | 'confirmed' | 'dropped'> = {
    nowMs: 1000,
    confirmed: [],
    dropped: [],
  }
  const server = (): StoreServer =>
    new StoreServer({
      now: () => made.nowMs,
      timeoutMs: TIMEOUT_MS,
      confirmed: (id, by) => made.confirmed.push(`${id} ${by}`),
      dropped: (ids) => made.dropped.push([...ids]),
    })
  const whole = Object.assign(made, { active: server(), copy: server() })
  whole.active.promote(true)
  whole.copy.link(whole.active)
  return whole
}

let it: Pair

/** The wires carry for a moment. */
function carry(): void {
  it.copy.copyFrom(it.active, () => true)
  it.active.judgeWaiting()
}

beforeEach(() => {
  it = pair()
})

describe('a server that waits for the peer', () => {
  test('confirms a write when the copy has received it, and not before', () => {
    it.active.write(1)
    it.active.judgeWaiting()
    expect(it.confirmed).toEqual([])
    carry()
    expect(it.confirmed).toEqual(['1 peer'])
  })

  test('goes on alone by itself after its time-out, and waits again when the copy has all', () => {
    carry()
    it.active.write(1)
    it.nowMs += TIMEOUT_MS + 1
    it.active.judgeWaiting()
    it.active.write(2)
    expect(it.confirmed).toEqual(['1 itself', '2 itself'])
    expect(it.active.look()?.semiSync).toBe(false)
    carry()
    expect(it.active.look()?.semiSync).toBe(true)
    it.active.write(3)
    expect(it.confirmed).toHaveLength(2)
  })

  test('lets everybody go when it is ordered to go on alone', () => {
    it.active.write(1)
    it.active.orderAlone()
    it.active.write(2)
    expect(it.confirmed).toEqual(['1 ordered', '2 ordered'])
  })

  test('takes no more writes than applications have sessions', () => {
    for (let id = 1; id <= 8; id += 1) it.active.write(id)
    expect(it.active.takesWrites).toBe(false)
    carry()
    expect(it.active.takesWrites).toBe(true)
  })
})

describe('a copy', () => {
  test('acknowledges what it received although it does not apply it', () => {
    it.copy.halt = 'applier'
    it.active.write(1)
    carry()
    expect(it.confirmed).toEqual(['1 peer'])
    expect(it.copy.look()).toMatchObject({ offset: 0, backlog: 1, following: false })
  })

  test('applies what it received before it is opened for writes', () => {
    it.copy.halt = 'applier'
    it.active.write(1)
    carry()
    it.copy.promote(false)
    expect(it.copy).toMatchObject({ log: [1], applied: 1, writable: true })
  })

  test('loses what it received and did not apply when it crashes', () => {
    it.copy.halt = 'applier'
    it.active.write(1)
    carry()
    it.copy.crash()
    expect(it.copy).toMatchObject({ log: [], applied: 0, up: false })
  })

  test('gives up what the other never saw when it is linked, and only that', () => {
    it.active.write(1)
    carry()
    it.active.write(2)
    it.active.demote()
    it.copy.promote(false)
    it.copy.write(3)
    it.active.link(it.copy)
    expect(it.dropped).toEqual([[], [2]])
    it.active.copyFrom(it.copy, () => true)
    expect(it.active.log).toEqual([1, 3])
  })

  test('stops when the history of the other is no longer its own', () => {
    it.active.write(1)
    carry()
    it.active.wipe()
    it.active.up = true
    carry()
    expect(it.copy.following).toBe(false)
  })
})

test('a server that was ended keeps what was written, whether or not it was confirmed', () => {
  it.active.write(1)
  it.active.crash()
  expect(it.confirmed).toEqual([])
  expect(it.active).toMatchObject({ log: [1], writable: false, up: false })
})
