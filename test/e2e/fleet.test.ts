/**
 * Goal: from one place several real pairs are shown and switched, one after the other or at once as asked, and the
 * first doubt stops it. Method: three pairs with agents and certificates of their own, the command as it is typed;
 * what was done in which order is read from the histories of the nodes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { otherNode } from '../../src/lab/plan.ts'
import { FleetStage, type Said, type Site } from '../helpers/fleet-stage.ts'
import { until } from '../helpers/until.ts'

const NAMES = ['vienna', 'graz', 'linz'] as const
/** A pair must stay whole for so long: longer than the begin of three commands lies apart. */
const SETTLE_S = 3
const SETTLE_MS = SETTLE_S * 1000
/** Limit of one answer. Twice as much is too long for a look at all of them. */
const ANSWER_S = 4
const isRoot = process.getuid?.() === 0

/** What was shown of a pair, as JSON. */
interface Shown {
  name: string
  verdict: string
  active: string | null
  notes: string[]
}

describe.skipIf(!isRoot)('three real pairs from one place', () => {
  let stage: FleetStage
  let [vienna, graz, linz]: Site[] = []
  beforeAll(async () => {
    stage = await FleetStage.build('tandemfleet', NAMES)
    ;[vienna, graz, linz] = stage.sites
  })
  afterAll(async () => {
    await stage?.destroy()
  })

  /** Each test begins with pairs that are well, whatever the one before broke. */
  afterEach(async () => {
    await stage.mend()
  })

  /** First and last change of each pair since then, in the order of the inventory. */
  async function spansSince(wallMs: number): Promise<{ fromMs: number; toMs: number }[]> {
    return await Promise.all(
      stage.sites.map(async (site) => {
        const times = (await site.changes()).filter((atMs) => atMs >= wallMs)
        return { fromMs: times.at(0) ?? Number.NaN, toMs: times.at(-1) ?? Number.NaN }
      }),
    )
  }

  it('are shown, and are well', async () => {
    const actives = await stage.actives()
    const shown = await stage.fleet('status', '--json')
    const { pairs } = JSON.parse(shown.out) as { pairs: Shown[] }
    expect(shown.code).toBe(0)
    expect(pairs.map(({ name, verdict, active }) => [name, verdict, active])).toEqual(
      NAMES.map((name, index) => [name, 'well', actives[index]]),
    )
    const text = await stage.fleet('status')
    expect(text.code).toBe(0)
    const row = (name: string, index: number): string => {
      const states = actives[index] === 'sp1' ? 'active +standby' : 'standby +active'
      return `${name} +well +${states} +\\d+ +0 .*\n`
    }
    expect(text.out).toMatch(new RegExp(`^PAIR .*\n${NAMES.map(row).join('')}\n3 pairs: 3 well\n$`))
  })

  it('are switched one after the other, each only when the one before stayed whole', async () => {
    const before = await stage.actives()
    const startMs = Date.now()
    const said = await stage.fleet('switch', '--all', '--settle', `${SETTLE_S}`)
    expect(await stage.actives()).toEqual(before.map(otherNode))
    const spans = await spansSince(startMs)
    for (const [index, { fromMs }] of spans.entries()) {
      const previous = spans[index - 1]
      expect(fromMs).toBeGreaterThanOrEqual(
        previous === undefined ? startMs : previous.toMs + SETTLE_MS,
      )
    }
    const told = NAMES.map((name, index) => {
      const from = before[index] ?? 'sp1'
      return `${name}: done: ${otherNode(from)} is active, ${from} stands by, .*\n`
    })
    expect([said.code, said.out]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^${told.join('')}$`)),
    ])
  })

  it('are switched at once where that is asked for', async () => {
    const before = await stage.actives()
    const startMs = Date.now()
    const words = ['--parallel', `${NAMES.length}`, '--settle', `${SETTLE_S}`, '--json']
    const said = await stage.fleet('switch', '--all', ...words)
    expect([said.code, outcomesOf(said)]).toEqual([0, NAMES.map((name) => [name, 'done'])])
    expect(await stage.actives()).toEqual(before.map(otherNode))
    const spans = await spansSince(startMs)
    const lastBegun = Math.max(...spans.map(({ fromMs }) => fromMs))
    const firstThrough = Math.min(...spans.map(({ toMs }) => toMs)) + SETTLE_MS
    expect(lastBegun).toBeLessThan(firstThrough)
  })

  it('stop at the one whose standby is gone: it is named, and what comes after it is not begun', async () => {
    const before = await stage.actives()
    const [, active = 'sp1'] = before
    const gone = otherNode(active)
    graz?.pair.bench.nodes[gone].signal('SIGKILL')
    const shown = await until(async () => {
      const looked = await stage.fleet('status')
      return looked.out.includes('the peer is not heard') ? looked : null
    })
    expect(shown.code).toBe(5)
    expect(shown.out).toMatch(/^graz +degraded .*no answer/m)
    expect(shown.out).toMatch(new RegExp(`^  graz  ${gone}: the agent at https://\\S+ ended`, 'm'))
    expect(shown.out).toMatch(new RegExp(`^  graz  ${active}: the peer is not heard`, 'm'))
    expect(shown.out).toMatch(/\n3 pairs: 2 well, 1 degraded\n$/)
    const startMs = Date.now()
    const said = await stage.fleet('switch', '--all', '--settle', '1', '--json')
    expect([said.code, outcomesOf(said)]).toEqual([
      3,
      [
        ['vienna', 'done'],
        ['graz', 'refused'],
        ['linz', 'left'],
      ],
    ])
    const moved = (await spansSince(startMs)).map(({ fromMs }) => !Number.isNaN(fromMs))
    expect(moved).toEqual([true, false, false])
    expect(await vienna?.active()).toBe(otherNode(before[0] ?? 'sp1'))
    expect(await linz?.active()).toBe(before[2])
  })

  it.each([
    // At once, for nobody listens there.
    ['closed', 'nobody listens at'],
    // The limit of an answer, and both nodes are asked at the same time.
    ['silent', `did not answer within ${ANSWER_S * 1000} ms`],
  ] as const)(
    'are shown though one of them cannot be reached: the ways to it are %s',
    async (state, why) => {
      await graz?.ways(state)
      const shown = await stage.fleet('status', '--json', '--timeout', `${ANSWER_S}`)
      const { pairs } = JSON.parse(shown.out) as { pairs: Shown[] }
      expect(shown.code).toBe(2)
      expect(pairs.map(({ name, verdict }) => [name, verdict])).toEqual([
        ['vienna', 'well'],
        ['graz', 'unknown'],
        ['linz', 'well'],
      ])
      expect(pairs[1]?.notes).toEqual([
        expect.stringMatching(new RegExp(`^sp1: .*${why}`)),
        expect.stringMatching(new RegExp(`^sp2: .*${why}`)),
      ])
      expect(shown.tookMs).toBeLessThan(2 * ANSWER_S * 1000)
    },
  )
})

function outcomesOf({ out }: Said): [string, string][] {
  const { pairs } = JSON.parse(out) as { pairs: { name: string; result: string }[] }
  return pairs.map(({ name, result }) => [name, result])
}
