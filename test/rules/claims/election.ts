/** Which of two nodes that talk becomes active when neither is: the election, start, both active. */
import { strict as assert } from 'node:assert'
import type { Heartbeat, Position } from '../../../src/core/heartbeat.ts'
import type { Program } from '../claim.ts'
import { ACTIVE, activeOf, claim, Stage, type StageOptions, standbyOf } from '../stage.ts'

/** The role after a while in which the peer says this and grants nothing. */
function roleAgainst(
  program: Program,
  peer: Partial<Heartbeat>,
  options: StageOptions = {},
): string {
  const stage = new Stage(program, options)
  stage.pass(1500, { hear: { grant: false, ...peer } })
  return stage.state.role
}

const AT = { term: 3, offset: 10 }
const DATA = { data: { takeover: 'recent' as const } }

export const ELECTION_CLAIMS = [
  claim('election', 'of two equal nodes `sp1` stands, `sp2` does not', (program) => {
    assert.equal(roleAgainst(program, {}), 'elect')
    assert.equal(roleAgainst(program, {}, { node: 'sp2' }), 'standby')
  }),
  claim('election', 'rank: able before everything else', (program) => {
    assert.equal(roleAgainst(program, { able: false }, { node: 'sp2' }), 'elect')
    const ahead = { able: false, position: { term: 5, offset: 0 } }
    assert.equal(roleAgainst(program, ahead, { ...DATA, hard: { term: 5, sole: true } }), 'elect')
    const stage = new Stage(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(1500, { hear: {} })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('election', 'rank: newer data before standing back and ping score', (program) => {
    const position = { term: 3, offset: 10 }
    const older = { position: { term: 3, offset: 9 }, score: 3 }
    const hard = { term: 3, sole: true }
    assert.equal(roleAgainst(program, older, { ...DATA, node: 'sp2', position, hard }), 'elect')
    const newer = { position: { term: 3, offset: 11 }, score: 0, avoid: true }
    assert.equal(roleAgainst(program, newer, { ...DATA, position, hard }), 'standby')
  }),
  claim('election', 'rank: a later history is newer whatever its length', (program) => {
    const position = { term: 3, offset: 10 }
    const later = { position: { term: 4, offset: 1 } }
    const hard = { term: 3, sole: true }
    assert.equal(roleAgainst(program, later, { ...DATA, position, hard }), 'standby')
  }),
  claim(
    'election',
    'a peer that is `sole` is waited for, whatever position it tells',
    (program) => {
      const position = { term: 3, offset: 10 }
      const restarted = { role: 'demoting' as const, able: false, position: { term: 0, offset: 0 } }
      const options = { ...DATA, position }
      const alone = { ...restarted, sole: true }
      assert.equal(
        roleAgainst(program, alone, { ...options, hard: { term: 3, sole: false } }),
        'standby',
      )
      const hard = { term: 3, sole: true }
      assert.equal(roleAgainst(program, alone, { ...options, hard }), 'elect')
      assert.equal(roleAgainst(program, restarted, { ...options, hard }), 'elect')
    },
  ),
  claim('election', 'who has not looked at its stores ranks below who has', (program) => {
    const position = { term: 3, offset: 10 }
    const hard = { term: 3, sole: true }
    const booted = { positionUnknown: true, position: { term: 9, offset: 0 } }
    assert.equal(roleAgainst(program, booted, { ...DATA, position, hard, node: 'sp2' }), 'elect')
    const none = { ...DATA, position: null, hard }
    assert.equal(roleAgainst(program, { position }, none), 'standby')
    const stage = new Stage(program, none)
    stage.pass(100, { hear: { able: false } })
    assert.equal(stage.told.positionUnknown, true)
    stage.feed({ type: 'position', position })
    stage.pass(100, { hear: { able: false } })
    assert.equal(stage.told.positionUnknown, false)
  }),
  claim('election', 'what nobody looked at yet is not newer than anything', (program) => {
    const position = { term: 0, offset: 0 }
    const unlooked = { able: false, positionUnknown: true, position }
    const looked = { ...DATA, position: { term: 3, offset: 10 } }
    assert.equal(roleAgainst(program, unlooked, looked), 'standby')
    const none = { ...DATA, position: null }
    assert.equal(roleAgainst(program, { able: false, position }, none), 'standby')
  }),
  claim(
    'election',
    'beside a peer whose stores do not answer one stands where stale data may serve',
    (program) => {
      const silent = { able: false, positionUnknown: true }
      const stand = (stale: 'serve' | 'refuse', position: Position | null = AT): Stage => {
        const data = { ...DATA.data, stale, staleWaitMs: 5000 }
        const node = position === null ? 'sp1' : 'sp2'
        const stage = new Stage(program, { data, position, node })
        stage.pass(4900, { hear: silent })
        assert.equal(stage.state.role, 'standby')
        return stage
      }
      const serve = stand('serve')
      serve.until('the election', () => serve.state.armed, 500, { hear: silent })
      for (const stage of [stand('refuse'), stand('serve', null)]) {
        stage.pass(2000, { hear: silent })
        assert.equal(stage.state.role, 'standby')
      }
      const alone = stand('serve')
      alone.pass(2000, { hear: { ...silent, sole: true } })
      assert.equal(alone.state.role, 'standby', 'what is `sole` holds more')
    },
  ),
  claim('election', 'rank: who stands back comes after who does not', (program) => {
    assert.equal(roleAgainst(program, { avoid: true, score: 5 }, { node: 'sp2' }), 'elect')
  }),
  claim('election', 'rank: the higher ping score before the name', (program) => {
    assert.equal(roleAgainst(program, { score: 2 }, { node: 'sp2' }), 'elect')
    assert.equal(roleAgainst(program, { score: 4 }), 'standby')
  }),
  claim('election', 'a pair without replicated data does not compare positions', (program) => {
    assert.equal(roleAgainst(program, { position: { term: 9, offset: 9 } }), 'elect')
  }),
  claim('election', 'who is in maintenance does not stand', (program) => {
    const stage = new Stage(program)
    stage.feed({ type: 'maintenance', on: true })
    stage.pass(1500, { hear: { able: false } })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('election', 'who is being demoted does not stand', (program) => {
    const stage = activeOf(program)
    stage.demoteHangs = true
    stage.feed({ type: 'refused' })
    stage.pass(3000)
    assert.equal(stage.state.role, 'demoting')
  }),
  claim('election', 'nobody stands against a peer not heard within S', (program) => {
    const stage = new Stage(program)
    stage.hear({ hears: false })
    stage.pass(400, { hear: null })
    stage.feed({ type: 'tick' })
    assert.equal(stage.state.role, 'standby')
    const elect = new Stage(program)
    elect.pass(300, { hear: { grant: false } })
    assert.equal(elect.state.role, 'elect')
    elect.pass(elect.timing.suspicionMs + 200, { hear: null })
    assert.equal(elect.state.role, 'standby')
  }),
  claim('election', 'nobody stands against a peer that does not hear us', (program) => {
    assert.equal(roleAgainst(program, { hears: false }), 'standby')
  }),
  claim('election', 'nobody stands against a peer that knows another start of ours', (program) => {
    assert.equal(roleAgainst(program, { ackBoot: 'dddddddddddddddd' }), 'standby')
    assert.equal(roleAgainst(program, { ackBoot: null }), 'standby')
  }),
  claim('election', 'nobody stands against an active or one that is taking over', (program) => {
    assert.equal(roleAgainst(program, { role: 'active', able: false }), 'standby')
    assert.equal(roleAgainst(program, { role: 'take', able: false }), 'standby')
    assert.equal(roleAgainst(program, { role: 'elect', able: false }), 'elect')
  }),
  claim('election', 'a candidate that is outranked stands no longer', (program) => {
    const stage = new Stage(program)
    stage.pass(300, { hear: { grant: false } })
    assert.equal(stage.state.role, 'elect')
    stage.hear({ score: 4, grant: false })
    assert.equal(stage.state.role, 'standby')
    assert.equal(stage.state.attempt, null)
  }),
  claim(
    'election',
    'the heartbeat that brings the grant is judged before the grant counts',
    (program) => {
      const stage = new Stage(program)
      stage.pass(300, { hear: { grant: false } })
      stage.hear({ grant: true, score: 4 })
      assert.deepEqual([stage.state.role, stage.state.term], ['standby', 0])
    },
  ),
  claim(
    'election',
    'a grant makes it active: term on disk, then the gate, then the heartbeat',
    (program) => {
      const stage = new Stage(program)
      stage.pass(300, { hear: { grant: false, term: 4 } })
      stage.hangDisk()
      stage.done = []
      stage.hear({ grant: true, term: 4 })
      assert.equal(stage.state.role, 'active')
      assert.deepEqual(
        stage.done.map(({ effect }) => effect.type),
        ['persist', 'send'],
      )
      assert.equal(stage.state.term, 5)
      stage.done = []
      stage.writeDisk()
      const order = stage.done.map(({ effect }) => effect.type)
      assert.deepEqual(order, ['open', 'confirm', 'promote'])
    },
  ),
  claim('election', 'a grant for an earlier candidacy is void', (program) => {
    const stage = new Stage(program)
    const peer = { able: false, grant: false }
    stage.pass(300, { hear: peer })
    const { seq } = stage.state
    stage.hear({ ...peer, able: true, score: 4 })
    stage.hear(peer)
    assert(stage.state.role === 'elect' && stage.state.attempt! > seq)
    stage.hear({ ...peer, grant: true, ackSeq: seq })
    assert.equal(stage.state.role, 'elect')
  }),
  claim('election', 'a lease of which less than L/4 is left elects nobody', (program) => {
    for (const [leftInL, role] of [
      [0.2, 'elect'],
      [0.3, 'active'],
    ] as const) {
      const stage = new Stage(program)
      stage.pass(200, { hear: { able: false, grant: false } })
      assert.equal(stage.state.role, 'elect')
      const seq = stage.state.attempt!
      const sentAtMs = stage.state.sentAtMs[seq % 64]!
      const { leaseMs } = stage.timing
      while (stage.nowMs < sentAtMs + leaseMs * (1 - leftInL) - 100) {
        stage.pass(100, { hear: { able: false, grant: false } })
      }
      stage.nowMs = sentAtMs + leaseMs * (1 - leftInL)
      stage.hear({ able: false, grant: true, ackSeq: seq })
      assert.equal(stage.state.role, role)
    }
  }),
  claim(
    'election',
    'a lease that ended while the term was being written opens nothing',
    (program) => {
      const stage = new Stage(program)
      stage.hangDisk()
      stage.until('the grant', () => stage.state.role === 'active', 500)
      stage.pass(stage.timing.leaseMs + 200, { hear: null })
      stage.writeDisk()
      assert.equal(stage.count('open'), 0)
    },
  ),
  claim('election', 'until its gate is open only grants keep it', (program) => {
    const stage = new Stage(program)
    stage.hangDisk()
    stage.until('the grant', () => stage.state.role === 'active', 500)
    stage.pass(3000)
    assert.equal(stage.state.role, 'active')
    assert.equal(stage.count('open'), 0)
    stage.writeDisk()
    assert(stage.serves)
  }),
  claim(
    'election',
    'the data of an elect is not older than the peer’s, else T4 decides',
    (program) => {
      const position = { term: 3, offset: 10 }
      const newer = { able: false, position: { term: 3, offset: 11 } }
      assert.equal(roleAgainst(program, newer, { ...DATA, position }), 'standby')
      const equal = { able: false, position }
      assert.equal(roleAgainst(program, equal, { ...DATA, position }), 'elect')
      const serve = { data: { ...DATA.data, stale: 'serve' as const, staleWaitMs: 500 } }
      const stage = new Stage(program, { ...serve, position, hard: { term: 3, sole: true } })
      stage.pass(500, { hear: newer })
      assert.equal(stage.state.role === 'standby', false, '`sole` may serve')
    },
  ),
  claim('able', 'a standby whose data may not serve says that it is not able', (program) => {
    const position = { term: 3, offset: 10 }
    const stage = new Stage(program, { ...DATA, position })
    stage.pass(500, { hear: { able: false, position: { term: 3, offset: 11 } } })
    assert.equal(stage.told.able, false)
    stage.pass(100, { hear: { ...ACTIVE, position: { term: 3, offset: 11 } } })
    assert.equal(stage.told.able, true, 'while the peer is active it may catch up')
  }),
  claim('able', 'unhealthy, in maintenance or being demoted it is not able', (program) => {
    const stage = activeOf(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(100, { hear: { able: false } })
    assert.equal(stage.told.able, false)
    stage.feed({ type: 'health', healthy: true })
    stage.pass(100)
    assert.equal(stage.told.able, true)
    stage.demoteHangs = true
    stage.feed({ type: 'refused' })
    assert.equal(stage.told.able, false)
    const standby = standbyOf(program)
    standby.feed({ type: 'maintenance', on: true })
    standby.pass(100, { hear: ACTIVE })
    assert.equal(standby.told.able, false)
  }),

  claim('start', 'the first effect is `close`, before any heartbeat', (program) => {
    const stage = new Stage(program)
    assert.deepEqual(
      stage.done.map(({ effect }) => effect.type),
      ['close', 'demote'],
    )
  }),
  claim('start', 'it begins without a right, demoting, and silent from now', (program) => {
    const stage = new Stage(program, { hard: { term: 7, sole: true } })
    assert.equal(stage.state.role, 'standby')
    assert.equal(stage.state.silentSinceMs, stage.nowMs)
    assert.deepEqual([stage.state.term, stage.state.sole], [7, true])
  }),
  claim('start', 'a node that boots alone waits for Q and then serves', (program) => {
    const stage = new Stage(program)
    const tookMs = stage.until('the takeover', () => stage.state.armed, 5000, { hear: null })
    const { majorityStreakMs, heartbeatMs } = stage.timing
    assert(tookMs >= majorityStreakMs && tookMs <= majorityStreakMs + 4 * heartbeatMs)
  }),

  claim('both active', 'who hears an active of a higher term yields at once', (program) => {
    const stage = activeOf(program)
    stage.demoteHangs = true
    stage.done = []
    stage.hear({ role: 'active', term: stage.state.term + 1 })
    assert.equal(stage.state.role, 'demoting')
    const order = stage.done.map(({ effect }) => effect.type)
    assert.deepEqual(order, ['close', 'demote', 'set-aside', 'send'])
  }),
  claim('both active', 'who hears an active of a lower term stays', (program) => {
    const stage = new Stage(program, { hard: { term: 9, sole: false } })
    stage.until('the election', () => stage.state.armed, 500)
    stage.pass(500, { hear: { role: 'active', term: 4, want: true, grant: false } })
    assert(stage.serves)
  }),
  claim(
    'both active',
    'an active that hears a higher term from a standby raises its own',
    (program) => {
      const stage = activeOf(program)
      stage.pass(200, { hear: { term: 40 } })
      assert.equal(stage.state.term, 41)
      assert(stage.serves)
      const { effect } = stage.done.findLast((entry) => entry.effect.type === 'persist')!
      assert(effect.type === 'persist' && effect.term === 41)
      assert.equal(stage.told.term, 41)
    },
  ),
  claim('both active', 'the raised term is not told before it is on disk', (program) => {
    const stage = activeOf(program)
    const { term } = stage.state
    stage.hangDisk()
    stage.pass(300, { hear: { term: 40 } })
    assert.equal(stage.told.term, term)
    assert(stage.serves)
    stage.writeDisk()
    stage.pass(100)
    assert.equal(stage.told.term, 41)
    assert(stage.serves)
  }),
  claim('both active', 'a candidate waits for the raised term to be on disk', (program) => {
    const stage = new Stage(program)
    stage.hangDisk()
    stage.until('the grant', () => stage.state.role === 'active', 500)
    const { ticket } = stage.state
    stage.hear({ term: 40 })
    stage.feed({ type: 'persisted', ticket })
    assert.equal(stage.count('open'), 0)
    stage.writeDisk()
    assert(stage.state.armed)
  }),
  claim(
    'election',
    'of two nodes that cannot serve well one stands after `staleWait`',
    (program) => {
      const stage = new Stage(program, { data: { staleWaitMs: 5000 } })
      stage.feed({ type: 'health', healthy: false })
      const unfit = { able: false, healthy: false }
      stage.pass(4900, { hear: unfit })
      assert.equal(stage.state.role, 'standby')
      stage.until('the election', () => stage.state.armed, 500, { hear: unfit })
    },
  ),
  claim('election', 'a node that is unhealthy and lacks data does not stand', (program) => {
    const options = { data: { takeover: 'recent' as const, staleWaitMs: 1000 } }
    const stage = new Stage(program, options)
    stage.feed({ type: 'health', healthy: false })
    // The peer is in no state to serve either, and just not heard of having more than we do.
    stage.pass(3000, { hear: { able: false, avoid: true, position: { term: 1, offset: 0 } } })
    assert.equal(stage.state.role, 'standby')
  }),
  claim('election', 'an operator’s force makes an unhealthy node stand at once', (program) => {
    const stage = new Stage(program)
    stage.feed({ type: 'health', healthy: false })
    stage.pass(500, { hear: { able: false } })
    assert.equal(stage.state.role, 'standby')
    stage.feed({ type: 'ask', node: 'sp1', force: true })
    stage.until('the election', () => stage.state.armed, 500, { hear: { able: false } })
  }),
]
