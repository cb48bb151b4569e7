/** Who holds which data, and who may confirm a write: T4, `inSync`, `sole`, `sync`. */
import { strict as assert } from 'node:assert'
import type { Position } from '../../../src/core/heartbeat.ts'
import type { Program } from '../claim.ts'
import {
  ACTIVE,
  activeOf,
  claim,
  Stage,
  type StageOptions,
  type Surrounding,
  standbyOf,
} from '../stage.ts'

const AT = { term: 2, offset: 100 }
const SYNC = { ...ACTIVE, sync: true, position: AT }

function strict(change: StageOptions['data'] = {}): StageOptions {
  return { position: AT, data: { takeover: 'strict', ...change } }
}

function recent(change: StageOptions['data'] = {}): StageOptions {
  return { position: AT, data: { takeover: 'recent', ...change } }
}

/** A standby that follows an active which says `sync`. */
function follower(program: Program, options: StageOptions): Stage {
  const stage = new Stage(program, options)
  stage.pass(2000, { hear: SYNC })
  assert.equal(stage.state.inSync, true)
  return stage
}

function takesOver(stage: Stage, forMs = 4000, surrounding: Surrounding = {}): boolean {
  for (let leftMs = forMs; leftMs > 0 && !stage.state.armed; leftMs -= 100) {
    stage.pass(100, { hear: null, ...surrounding })
  }
  return stage.state.armed
}

/** An active whose standby has everything. */
function together(program: Program, change: StageOptions['data'] = {}): Stage {
  const stage = activeOf(program, recent(change))
  stage.until('the sync', () => stage.told.sync, 1000)
  return stage
}

function write(stage: Stage, offset: number): Position {
  const position = { term: stage.state.position.term, offset }
  stage.feed({ type: 'position', position })
  return position
}

function confirmsAlone(stage: Stage): boolean {
  const { effect } = stage.done.findLast((entry) => entry.effect.type === 'confirm')!
  return effect.type === 'confirm' && effect.alone
}

function firstAlone(stage: Stage): number | undefined {
  return stage.done.find(({ effect }) => effect.type === 'confirm' && effect.alone)?.atMs
}

export const DATA_CLAIMS = [
  claim('T4', 'a node that is not known to have everything does not take over', (program) => {
    for (const options of [strict(), recent()]) {
      const stage = standbyOf(program, options)
      assert.equal(takesOver(stage, 8000), false)
    }
  }),
  claim('T4', 'a pair without replicated data needs none of it', (program) => {
    assert(takesOver(standbyOf(program)))
  }),
  claim('T4', '`sole` may serve', (program) => {
    assert(takesOver(new Stage(program, { ...strict(), hard: { term: 3, sole: true } })))
  }),
  claim(
    'T4',
    '`inSync` may serve while the majority is unbroken since the last fresh word',
    (program) => {
      assert(takesOver(follower(program, strict())))
      const broken = follower(program, strict())
      broken.pass(300, { hear: null, pong: [0] })
      assert.equal(takesOver(broken, 8000), false)
    },
  ),
  claim('T4', 'beside a witness `inSync` may serve only until the peer may be alone', (program) => {
    const lateBy = (lateMs: number): boolean => {
      const data = { takeover: 'strict', confirmAloneAfterMs: 2200 } as const
      const stage = new Stage(program, { mode: 'witness', position: AT, data })
      stage.pass(2000, { hear: SYNC })
      stage.pass(lateMs, { hear: null })
      const { attempt } = stage.state
      if (attempt === null) return false
      stage.feed({ type: 'witness', sentAtMs: stage.nowMs, attempt, granted: true })
      return stage.state.armed
    }
    assert(lateBy(1100))
    assert.equal(lateBy(1500), false)
  }),
  claim('T4', 'policy `recent`: `inSync` may serve for ten seconds', (program) => {
    const broken = follower(program, recent())
    broken.pass(300, { hear: null, pong: [0] })
    assert(takesOver(broken))
    const late = follower(program, recent())
    late.pass(9500, { hear: null, pong: [0] })
    assert.equal(takesOver(late, 8000), false)
  }),
  claim('T4', 'policy `stale = serve`: any data may serve after `staleWait`', (program) => {
    const stage = standbyOf(program, recent({ stale: 'serve', staleWaitMs: 6000 }))
    assert.equal(takesOver(stage, 5500), false)
    assert(takesOver(stage, 2000))
    const refuse = standbyOf(program, recent({ stale: 'refuse', staleWaitMs: 6000 }))
    assert.equal(takesOver(refuse, 9000), false)
  }),
  claim('T4', 'the operator may accept stale data, for 5L', (program) => {
    const stage = standbyOf(program, strict())
    stage.pass(3000, { hear: null })
    stage.feed({ type: 'ask', node: 'sp1', force: true })
    assert(takesOver(stage, 1000))
    const ended = standbyOf(program, strict())
    ended.feed({ type: 'ask', node: 'sp1', force: true })
    ended.pass(3100, { hear: null, pong: [0] })
    assert.equal(takesOver(ended, 4000), false)
    const asked = standbyOf(program, strict())
    asked.pass(3000, { hear: null })
    asked.feed({ type: 'ask', node: 'sp1', force: false })
    assert.equal(takesOver(asked, 1000), false)
    const other = standbyOf(program, strict())
    other.pass(3000, { hear: null })
    other.feed({ type: 'ask', node: 'sp2', force: true })
    assert.equal(takesOver(other, 1000), false)
  }),

  claim(
    'T4',
    'a node that is behind serves only after `staleWait`, where policy allows',
    (program) => {
      const behind = (data: NonNullable<StageOptions['data']>): Stage => {
        const stage = standbyOf(program, { data })
        stage.feed({ type: 'behind', behind: true })
        return stage
      }
      const stage = behind({ stale: 'serve', staleWaitMs: 6000 })
      assert.equal(takesOver(stage, 5500), false)
      assert(takesOver(stage, 2000))
      const refuse = behind({ stale: 'refuse', staleWaitMs: 6000 })
      assert.equal(takesOver(refuse, 9000), false)
      refuse.feed({ type: 'ask', node: 'sp1', force: true })
      assert(takesOver(refuse, 1000), 'the operator accepts it')
      const caughtUp = behind({ stale: 'refuse' })
      caughtUp.feed({ type: 'behind', behind: false })
      assert(takesOver(caughtUp), 'its stores followed')
    },
  ),
  claim('able', 'a node that is behind is not able while nobody serves', (program) => {
    const stage = new Stage(program)
    stage.feed({ type: 'behind', behind: true })
    stage.pass(500, { hear: { able: false } })
    assert.equal(stage.told.able, false)
    stage.pass(100, { hear: ACTIVE })
    assert.equal(stage.told.able, true, 'while the peer is active it may catch up')
  }),
  claim(
    'election',
    'of two nodes that are behind one stands where stale data may serve',
    (program) => {
      const unfit = { able: false }
      const stand = (stale: 'serve' | 'refuse'): Stage => {
        const stage = new Stage(program, { data: { stale, staleWaitMs: 5000 } })
        stage.feed({ type: 'behind', behind: true })
        stage.pass(4900, { hear: unfit })
        assert.equal(stage.state.role, 'standby')
        return stage
      }
      const serve = stand('serve')
      serve.until('the election', () => serve.state.armed, 500, { hear: unfit })
      const refuse = stand('refuse')
      refuse.pass(2000, { hear: unfit })
      assert.equal(refuse.state.role, 'standby')
    },
  ),

  claim('inSync', 'is set by the fresh word of an active whose `sync` we follow', (program) => {
    const stage = new Stage(program, recent())
    stage.pass(300, { hear: { ...SYNC, ackBoot: null, ackSeq: 0 } })
    assert.equal(stage.state.inSync, false, 'not by one that is not fresh')
    stage.hear({ ...SYNC, sync: false })
    assert.equal(stage.state.inSync, false, 'not without `sync`')
    stage.hear({ ...SYNC, position: { term: 4, offset: 1 } })
    assert.equal(stage.state.inSync, false, 'not with another history')
    stage.hear(SYNC)
    assert.equal(stage.state.inSync, true)
  }),
  claim('inSync', 'is set by a standby that has nothing newer and is not `sole`', (program) => {
    for (const [peer, inSync] of [
      [{ position: AT }, true],
      [{ position: { term: 2, offset: 99 } }, true],
      [{ position: { term: 2, offset: 101 } }, false],
      [{ position: { term: 3, offset: 0 } }, false],
      [{ position: AT, sole: true }, false],
      [{ position: AT, role: 'elect', grant: false }, false],
    ] as const) {
      const stage = new Stage(program, recent())
      stage.feed({ type: 'maintenance', on: true })
      stage.feed({ type: 'tick' })
      stage.hear(peer)
      assert.equal(stage.state.inSync, inSync, JSON.stringify(peer))
    }
  }),
  claim('inSync', 'a peer that has not looked at its stores says nothing either way', (program) => {
    const unlooked = { positionUnknown: true, position: { term: 0, offset: 0 }, able: false }
    const stage = new Stage(program, recent())
    stage.feed({ type: 'maintenance', on: true })
    stage.pass(300, { hear: unlooked })
    assert.equal(stage.state.inSync, false, 'it may hold more')
    const own = new Stage(program, { ...recent(), position: null })
    own.pass(300, { hear: { able: false, position: { term: 0, offset: 0 } } })
    assert.equal(own.state.inSync, false, 'so may the peer, as long as ours is not known')
    const restarted = follower(program, recent())
    restarted.hear(unlooked)
    assert.equal(restarted.state.inSync, true, 'it was in step, and nobody served since')
    restarted.hear({ ...unlooked, sole: true })
    assert.equal(restarted.state.inSync, false)
  }),
  claim('inSync', 'ends when our position leaves the history it was said of', (program) => {
    const stage = follower(program, strict())
    stage.feed({ type: 'position', position: { ...AT, offset: 120 } })
    assert.equal(stage.state.inSync, true)
    stage.feed({ type: 'position', position: { term: 0, offset: 120 } })
    assert.equal(stage.state.inSync, false)
    assert.equal(takesOver(stage, 8000), false)
  }),
  claim('inSync', 'any heartbeat that says otherwise clears it, fresh or not', (program) => {
    const stage = follower(program, recent())
    stage.hear({ ...SYNC, sync: false, ackBoot: null, ackSeq: 0, hears: false })
    assert.equal(stage.state.inSync, false)
  }),
  claim(
    'inSync',
    'an answered probe later than D after the last fresh word clears it',
    (program) => {
      const stage = follower(program, recent())
      const { takeoverSilenceMs } = stage.timing
      stage.pass(takeoverSilenceMs - 200, { hear: null, probe: 'answered' })
      assert.equal(stage.state.inSync, true)
      stage.pass(400, { hear: null, probe: 'answered' })
      assert.equal(stage.state.inSync, false)
    },
  ),
  claim('inSync', 'is told in the heartbeat, and lost by an active that is demoted', (program) => {
    const stage = follower(program, recent())
    stage.pass(100, { hear: SYNC })
    assert.equal(stage.told.inSync, true)
    assert(takesOver(stage))
    stage.demoteHangs = true
    stage.feed({ type: 'refused' })
    assert.equal(stage.state.inSync, false)
  }),

  claim('position', 'an active tells its data under the term of its own history', (program) => {
    const stage = activeOf(program, recent())
    stage.pass(100)
    assert.deepEqual(stage.told.position, { term: stage.state.term, offset: AT.offset })
  }),
  claim('sync', 'is said only while the standby confirms the very position', (program) => {
    const stage = new Stage(program, recent())
    const behind = { able: false, position: { term: 1, offset: 99 } }
    stage.until('the election', () => stage.state.armed, 1000, { hear: behind })
    stage.pass(1000, { hear: behind })
    assert.equal(stage.told.sync, false)
    stage.pass(1000)
    assert.equal(stage.told.sync, true)
  }),
  claim('sync', 'a position in another history begins nothing and ends it', (program) => {
    const stage = activeOf(program, recent())
    const tail = { term: stage.state.term - 1, offset: 100 }
    stage.pass(1000, { hear: { position: tail } })
    assert.equal(stage.told.sync, false)
    const later = together(program)
    later.pass(200, { hear: { position: { term: later.state.term + 1, offset: 500 } } })
    assert.equal(later.told.sync, false)
  }),
  claim('sync', 'begins with a fresh word only', (program) => {
    const stage = activeOf(program, recent())
    const ackSeq = stage.state.seq
    stage.pass(600, { hear: null })
    stage.pass(2500, { hear: { ackSeq, position: { term: 0, offset: 0 } } })
    stage.hear({ ackSeq })
    for (let ticks = 0; ticks < 3; ticks += 1) stage.feed({ type: 'tick' })
    assert.equal(stage.told.sync, false)
  }),
  claim('sync', 'is said only after `sole` is cleared on disk', (program) => {
    const stage = activeOf(program, { ...recent(), hard: { term: 1, sole: true } })
    stage.pass(3000, { hear: { position: { term: 0, offset: 0 } } })
    stage.hangDisk()
    stage.pass(500)
    assert.equal(stage.told.sync, false)
    assert.equal(stage.state.sole, false)
    stage.writeDisk()
    stage.pass(200)
    assert.equal(stage.told.sync, true)
  }),
  claim('alone', 'the role does not leave before `sole` is cleared on disk', (program) => {
    const stage = activeOf(program, { ...recent(), hard: { term: 1, sole: true } })
    stage.pass(3000, { hear: { position: { term: 0, offset: 0 } } })
    stage.hangDisk()
    stage.until('the joining', () => stage.state.confirming === 'joining', 3000)
    stage.feed({ type: 'ask', node: 'sp2', force: false })
    stage.pass(200)
    stage.feed({ type: 'frozen', position: stage.state.position })
    stage.pass(300)
    assert.equal(stage.state.role, 'active')
    stage.writeDisk()
    stage.pass(200)
    assert.notEqual(stage.state.role, 'active')
  }),
  claim('sync', 'a write the standby does not have yet leaves it', (program) => {
    const stage = together(program)
    const before = stage.state.position
    write(stage, 200)
    stage.pass(300, { hear: { position: before } })
    assert.equal(stage.told.sync, true)
    assert.equal(confirmsAlone(stage), false)
  }),
  claim('sync', 'is announced as ended when the standby falls silent', (program) => {
    const stage = together(program)
    stage.pass(stage.timing.suspicionMs + 200, { hear: null })
    assert.equal(stage.told.sync, false)
  }),
  claim('alone', 'nothing is confirmed alone before W after the announcement', (program) => {
    for (const confirmAloneAfterMs of [300, 2200]) {
      const stage = together(program, { confirmAloneAfterMs })
      stage.done = []
      stage.pass(5000, { hear: null })
      const announced = stage.done.find(
        ({ effect }) => effect.type === 'send' && !effect.heartbeat.sync,
      )!
      const alone = firstAlone(stage)
      assert(alone !== undefined && alone - announced.atMs >= confirmAloneAfterMs)
      assert(alone - announced.atMs <= confirmAloneAfterMs + 300)
    }
  }),
  claim('alone', 'W counts only when the lease was renewed without the peer', (program) => {
    const stage = together(program)
    const position = { term: 0, offset: 0 }
    stage.pass(300, { hear: null, pong: [] })
    stage.pass(4000, { hear: { position, inSync: true }, pong: [] })
    assert.equal(stage.told.sync, false)
    assert.equal(firstAlone(stage), undefined)
    assert(stage.serves)
  }),
  claim('alone', '`sole` is on disk before a write is confirmed alone', (program) => {
    const stage = together(program)
    stage.hangDisk()
    stage.pass(3000, { hear: null })
    assert.equal(firstAlone(stage), undefined)
    const { effect } = stage.done.findLast((entry) => entry.effect.type === 'persist')!
    assert(effect.type === 'persist' && effect.sole)
    stage.writeDisk()
    assert.equal(confirmsAlone(stage), true)
  }),
  claim(
    'alone',
    'at once when the standby knows the announcement and does not claim to have all',
    (program) => {
      const stage = together(program, { confirmAloneAfterMs: 60_000 })
      const tail = { term: stage.state.term + 1, offset: 500 }
      const ackSeq = stage.state.seq
      stage.pass(600, { hear: { position: tail, inSync: false, ackSeq } })
      assert.equal(firstAlone(stage), undefined, 'it has not heard the announcement')
      stage.pass(600, { hear: { position: tail, inSync: true } })
      assert.equal(firstAlone(stage), undefined, 'it still claims to have all')
      stage.pass(200, { hear: { position: tail, inSync: false } })
      assert.notEqual(firstAlone(stage), undefined)
    },
  ),
  claim('alone', 'an acknowledgement of another start of ours is none', (program) => {
    const stage = together(program, { confirmAloneAfterMs: 60_000 })
    const tail = { term: stage.state.term + 1, offset: 500 }
    stage.pass(600, { hear: { position: tail, ackBoot: 'dddddddddddddddd' } })
    assert.equal(firstAlone(stage), undefined)
  }),
  claim('alone', 'ends when the standby has caught up: confirmed together first', (program) => {
    const stage = together(program)
    stage.pass(2000, { hear: null })
    assert.equal(confirmsAlone(stage), true)
    stage.pass(500)
    assert.equal(confirmsAlone(stage), false)
    assert.equal(stage.told.sync, true)
    assert.equal(stage.state.sole, false)
  }),
  claim('sync', "needs the store's own word as well", (program) => {
    const stage = activeOf(program, recent())
    stage.feed({ type: 'confirms', together: false })
    stage.pass(1000)
    assert.equal(stage.told.sync, false)
    stage.feed({ type: 'confirms', together: true })
    stage.pass(1000)
    assert.equal(stage.told.sync, true)
    stage.feed({ type: 'confirms', together: false })
    stage.pass(100)
    assert.equal(stage.told.sync, false)
  }),
  claim('sync', 'does not begin when the store went on alone meanwhile', (program) => {
    const stage = together(program)
    stage.pass(2000, { hear: null })
    stage.hangDisk()
    stage.pass(500)
    assert.equal(stage.state.sole, false)
    stage.feed({ type: 'confirms', together: false })
    stage.writeDisk()
    stage.pass(100)
    assert.equal(stage.told.sync, false)
  }),
  claim('alone', 'lasts until the store waits again, however near the standby is', (program) => {
    const stage = together(program)
    stage.storeObeys = false
    stage.feed({ type: 'confirms', together: false })
    stage.pass(2000, { hear: null })
    assert.equal(confirmsAlone(stage), true)
    stage.pass(1000)
    assert.equal(confirmsAlone(stage), false, 'it is asked to')
    assert.deepEqual([stage.state.sole, stage.told.sync], [true, false])
    stage.pass(1000, { hear: null })
    assert.equal(confirmsAlone(stage), true, 'nobody is waited for who is silent')
    stage.pass(500)
    assert.equal(confirmsAlone(stage), true, 'what was seen before counts no more')
    stage.pass(1500)
    assert.equal(confirmsAlone(stage), false)
    stage.feed({ type: 'confirms', together: true })
    stage.pass(300)
    assert.deepEqual([stage.state.sole, stage.told.sync], [false, true])
  }),
  claim('alone', 'ends by no word of the store that is older than its order', (program) => {
    const stage = together(program)
    stage.storeObeys = false
    // It waited to the last: nothing was said of that.
    stage.pass(2000, { hear: null })
    assert.equal(confirmsAlone(stage), true)
    stage.pass(2000)
    assert.deepEqual([stage.state.sole, stage.told.sync], [true, false])
  }),
  claim('alone', 'lasts until our own position was looked at again', (program) => {
    const stage = together(program)
    stage.feed({ type: 'confirms', together: false })
    stage.pass(1200)
    assert.equal(confirmsAlone(stage), true, 'the standby seems to have all that we know of')
    stage.pass(1000)
    assert.equal(confirmsAlone(stage), false)
  }),
  claim('heartbeat', 'a position that the other waits for is told at once', (program) => {
    const active = together(program)
    active.feed({ type: 'ask', node: 'sp2', force: false })
    active.feed({ type: 'tick' })
    const { seq } = active.state
    const position = { ...active.state.position, offset: 150 }
    active.feed({ type: 'frozen', position })
    assert.deepEqual([active.state.seq, active.told.position], [seq + 1, position])
    const standby = follower(program, recent())
    const further = { ...AT, offset: 150 }
    standby.hear({ ...SYNC, position: further })
    const before = standby.state.seq
    standby.feed({ type: 'position', position: { ...AT, offset: 149 } })
    assert.equal(standby.state.seq, before)
    standby.feed({ type: 'position', position: further })
    assert.deepEqual([standby.state.seq, standby.told.position], [before + 1, further])
  }),
  claim('sync', 'a word of the store from before we served begins nothing', (program) => {
    const stage = new Stage(program, recent())
    stage.storeObeys = false
    stage.feed({ type: 'confirms', together: true })
    stage.until('the election', () => stage.state.armed, 1000, { hear: { able: false } })
    stage.pass(1000)
    assert.equal(stage.told.sync, false)
  }),
  claim('alone', 'a new active confirms nothing alone at first', (program) => {
    const stage = activeOf(program, recent())
    const opened = stage.done.findIndex(({ effect }) => effect.type === 'open')
    const { effect } = stage.done[opened + 1]!
    assert.deepEqual(effect, { type: 'confirm', alone: false })
    assert.equal(firstAlone(stage), undefined)
  }),
]
