/**
 * Goal: whoever was woken up reads what happened, in order and with the figures of this pair. Method: pairs of
 * the simulator whose active loses its power, is frozen or hands over, with a recorder on each node.
 */
import { describe, expect, test } from 'vitest'
import { peerOf } from '../../src/core/policy.ts'
import { pictureOf } from '../../src/record/picture.ts'
import { replay } from '../../src/record/replay.ts'
import { type Story, storyOf } from '../../src/record/story.ts'
import { serving } from '../../src/sim/checkers.ts'
import { simPolicy } from '../../src/sim/schedule.ts'
import { World } from '../../src/sim/world.ts'
import { type Life, recordLives, recordOf } from '../helpers/recorded-schedule.ts'

interface Stage {
  world: World
  lives: Life[]
  active: 'sp1' | 'sp2'
  run: (ms: number) => void
}

/** A pair of the profile `fast` with one that serves. */
function served(): Stage {
  const policies = {
    sp1: simPolicy('sp1', { profile: 'fast' }),
    sp2: simPolicy('sp2', { profile: 'fast' }),
  }
  const world = new World({ seed: 1, policies })
  const lives = recordLives(world)
  world.nodes.sp1.start()
  world.nodes.sp2.start()
  const run = (ms: number): void => world.timeline.runUntil(world.timeline.nowMs + ms)
  run(3_000)
  const [active] = serving(world)
  if (active === undefined) throw new Error('nobody serves')
  return { world, lives, active, run }
}

/** Of the happenings since a moment of virtual time, as both nodes recorded them. */
function tell({ world, lives }: Stage, sinceMs: number, only?: string): Story {
  const records = lives
    .map((life) => {
      const node = world.nodes[life.policy.node]
      return recordOf(life, node.now() - (world.timeline.nowMs - sinceMs))
    })
    .filter(({ header }) => only === undefined || header.node === only)
  const story = storyOf(records.sort((a, b) => a.header.node.localeCompare(b.header.node)))
  if (story === null) throw new Error('there is no record')
  return story
}

function codes({ lines }: Story, fromMs: number): string[] {
  return lines.filter(({ atMs }) => atMs >= fromMs).map(({ code }) => code)
}

describe('the story of a power cut', () => {
  const stage = served()
  const standby = peerOf(stage.active)
  const cutMs = stage.world.timeline.nowMs
  stage.world.nodes[stage.active].powerOff()
  stage.run(1_500)
  const story = tell(stage, cutMs, standby)
  const [only] = story.nodes
  const timing = only?.record.header.policy.timing
  const cutLocalMs = stage.world.nodes[standby].now() - (stage.world.timeline.nowMs - cutMs)

  test('says what it was, why, and for how long nobody served', () => {
    expect(only?.summary).toMatchObject({
      what: 'took over',
      why: expect.stringContaining('the peer is silent on every path'),
    })
    const outageMs = only?.summary.outageMs ?? 0
    expect(outageMs).toBeGreaterThan(timing?.takeoverSilenceMs ?? 0)
    expect(outageMs).toBeLessThan(2 * (timing?.takeoverSilenceMs ?? 0))
    expect(story.offset).toBeNull()
  })

  test('tells the last heartbeat, the silence, each condition and the gate, in this order', () => {
    const told = codes(story, cutLocalMs - 50)
    const order = [
      'path-silent',
      'probes',
      'peer-silent',
      'condition',
      'role',
      'open',
      'outage-over',
    ]
    const places = order.map((code) => told.indexOf(code))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    const sentences = story.lines
      .filter(({ code }) => code === 'condition')
      .map(({ sentence }) => sentence)
    for (const letter of ['T0', 'T1', 'T3']) {
      expect(sentences).toContainEqual(expect.stringMatching(`^a condition holds, ${letter}:`))
    }
    expect(story.lines.find(({ code }) => code === 'peer-silent')?.sentence).toMatch(
      /already so: A3 configured alike, T2 steady ping majority, T4 data may serve, T5 fit to serve$/,
    )
    const served = story.lines.find(({ code }) => code === 'open')
    expect(served?.atMs).toBeCloseTo(story.pivotMs, 0)
  })

  test('is drawn with a row for everything, and nothing in it runs', () => {
    const svg = pictureOf(story)
    for (const label of [
      'role',
      `hears ${stage.active}: crosslink`,
      'gate open',
      'lease',
      'T3 address is free',
    ]) {
      expect(svg).toContain(`>${label}</text>`)
    }
    expect(svg).toContain('class="outage"')
    expect(svg).not.toMatch(/<script|onload|href|NaN|Infinity|undefined/)
  })

  test('is the same decisions for the core of today', () => {
    for (const { record } of story.nodes) expect(replay(record).differing).toBe(0)
  })
})

test('the story of a frozen node puts both nodes in one order, within the stated bound', () => {
  const stage = served()
  const standby = peerOf(stage.active)
  const frozenMs = stage.world.timeline.nowMs
  stage.world.nodes[stage.active].stop(1_500)
  stage.run(3_000)
  const story = tell(stage, frozenMs)
  const boundMs = story.offset?.boundMs ?? Number.POSITIVE_INFINITY
  expect(boundMs).toBeLessThan(5)
  // What the simulator knows and the nodes do not: the clock of each against virtual time.
  const [first, second] = [stage.world.nodes.sp1, stage.world.nodes.sp2]
  const apartMs = first.now() - second.now()
  expect(Math.abs((story.offset?.addMs ?? 0) - apartMs)).toBeLessThanOrEqual(boundMs + 0.001)

  const gaveUp = story.lines.find(
    ({ node, sentence }) =>
      node === stage.active && /-> demoting/.test(sentence) && !/says/.test(sentence),
  )
  const tookOver = story.lines.find(({ node, code }) => node === standby && code === 'open')
  expect(tookOver?.atMs).toBeLessThan(gaveUp?.atMs ?? 0)
  // The kernel shut the gate at the end of the lease, whatever the frozen agent did later.
  const outage = story.outages.find(
    ({ untilMs }) => untilMs !== null && Math.abs(untilMs - story.pivotMs) < 1,
  )
  const timing = story.nodes[0]?.record.header.policy.timing
  expect((outage?.untilMs ?? 0) - (outage?.fromMs ?? 0)).toBeLessThan(
    2 * (timing?.takeoverSilenceMs ?? 0),
  )
})

test('the story of a planned switchover names the operator and hardly an outage', () => {
  const stage = served()
  const standby = peerOf(stage.active)
  const askedMs = stage.world.timeline.nowMs
  stage.world.nodes[stage.active].take({ type: 'ask', node: standby, force: false })
  stage.run(2_000)
  const story = tell(stage, askedMs)
  const summary = (name: string) => story.nodes.find(({ node }) => node === name)?.summary
  expect(summary(stage.active)).toMatchObject({
    what: 'gave up the role',
    why: 'an operator asked for it',
  })
  expect(summary(standby)).toMatchObject({ what: 'became active' })
  const fromMs = story.pivotMs - 100
  expect(codes(story, fromMs)).toEqual(
    expect.arrayContaining(['ask', 'freeze', 'close', 'grant', 'open']),
  )
  const [outage] = story.outages.filter(({ fromMs: atMs }) => atMs >= fromMs)
  expect((outage?.untilMs ?? 0) - (outage?.fromMs ?? 0)).toBeLessThan(20)
})
