/**
 * Did many runs together keep what is required, and what is forgiven?
 *
 * A time over its maximum is forgiven in at most one run in twenty, and only where a pause was
 * recorded that is long enough to start the protocol's counts over (G = 2H): by the control
 * address, or by the loop of an agent that the fault did not stop itself. Nothing else is ever
 * forgiven. Outages count beyond the control address's longest silence. The figures are `requirement.ts`.
 */
import type { NodeCost } from './cost.ts'
import { beyondControlMs, LETTERS, type Seen } from './demand.ts'
import { spread } from './outage.ts'
import type { IdleLine, RunLine } from './record.ts'
import {
  IDLE_LIMITS,
  type Limits,
  RATIO_MAX,
  REQUIREMENTS,
  RESIDENT_MAX_MIB,
  type Requirement,
} from './requirement.ts'

/** One line of the table. */
export interface Verdict {
  title: string
  required: string
  measured: string
  runs: number
  /** Empty: kept. */
  failures: string[]
  /** Maxima that were missed and forgiven, with the pause. */
  forgiven: string[]
}

/** Runs over a maximum, as a share of all. */
const OVER_RATIO_MAX = 1 / 20

/** Whether a run had the very times of its profile. */
export function hasProfileTimes({ profile, letters }: Pick<RunLine, 'profile' | 'letters'>) {
  const base = LETTERS[profile]
  return (['H', 'S', 'L', 'M', 'C'] as const).every((letter) => letters[letter] === base[letter])
}

/** Verdicts of our pair, in the order of the table; none for what was not measured. */
export function judgeAll(runs: readonly RunLine[], idle: readonly IdleLine[]): Verdict[] {
  const ours = runs.filter((run) => run.pair === 'tandem')
  const rows = REQUIREMENTS.flatMap((requirement) => {
    const { fault, profile } = requirement
    const here = ours.filter(
      (run) => run.fault === fault && run.profile === profile && hasProfileTimes(run),
    )
    if (here.length === 0) return []
    const verdict = judgeRuns(requirement, here)
    const isFirst = requirement === REQUIREMENTS[0]
    return isFirst ? [verdict, ...judgeRatio(runs)] : [verdict]
  })
  return [...rows, ...judgeIdle(idle), ...judgeDual(ours)]
}

/** Holds runs of one fault against its requirement. */
export function judgeRuns(requirement: Requirement, runs: readonly RunLine[]): Verdict {
  const { title, required } = requirement
  const broken: string[] = []
  const over: { text: string; explained: boolean }[] = []
  for (const run of runs) {
    const name = `run ${run.run}`
    for (const trouble of run.trouble) broken.push(`${name}: ${trouble}`)
    const late: { text: string; explained: boolean }[] = []
    for (const [stretch, limits] of stretchesOf(run, requirement)) {
      const found = holdAgainst(limits, run, stretch)
      const [seen, where] =
        stretch === 'during' ? [run.during, name] : [run.mended, `${name} after`]
      const pauseMs = Math.max(seen?.controlMs ?? 0, run.told?.pauseMs ?? 0)
      const explained = pauseMs >= 2 * run.letters.H
      const why = explained ? `a pause of ${pauseMs.toFixed(0)} ms` : 'no pause recorded'
      // Told with what is never forgiven too: it is where one begins to look.
      if (found.broken.length > 0) broken.push(`${where}: ${found.broken.join(', ')} (${why})`)
      if (found.over.length === 0) continue
      late.push({ text: `${where}: ${found.over.join(', ')} (${why})`, explained })
    }
    if (late.length === 0) continue
    over.push({
      text: late.map(({ text }) => text).join('; '),
      explained: late.every(({ explained }) => explained),
    })
  }
  const medianMs = requirement.during?.medianMs
  const median = spread(outagesOf(runs, 'during'))?.median
  if (medianMs !== undefined && median !== undefined && median > medianMs) {
    broken.push(`median ${median.toFixed(0)} ms`)
  }
  const tooMany = over.length > runs.length * OVER_RATIO_MAX
  const failing = over.filter(({ explained }) => tooMany || !explained)
  return {
    title,
    required,
    measured: measuredText(requirement, runs),
    runs: runs.length,
    failures: [...broken, ...failing.map(({ text }) => text)],
    forgiven: over.filter((one) => !failing.includes(one)).map(({ text }) => text),
  }
}

function stretchesOf(run: RunLine, requirement: Requirement): ['during' | 'mended', Limits][] {
  const stretches: ['during' | 'mended', Limits][] = []
  if (requirement.during !== undefined && run.during !== null) {
    stretches.push(['during', requirement.during])
  }
  if (requirement.mended !== undefined && run.mended !== null) {
    stretches.push(['mended', requirement.mended])
  }
  return stretches
}

/** What one stretch missed: `over`, a maximum of a time; `broken`, what is never forgiven. */
function holdAgainst(
  limits: Limits,
  run: RunLine,
  stretch: 'during' | 'mended',
): { over: string[]; broken: string[] } {
  const over: string[] = []
  const broken: string[] = []
  const seen = run[stretch]
  if (seen === null) return { over, broken }
  const outageMs = beyondControlMs(seen)
  const { peerServesMs, addressGoneMs } = limits
  if (limits.maxMs !== undefined && outageMs > limits.maxMs) {
    if (seen.outageEnded) over.push(`outage ${outageMs.toFixed(0)} ms`)
    else broken.push('the service did not come back')
  }
  if (peerServesMs !== undefined) {
    const servedMs = run.change?.peerServedMs ?? null
    if (servedMs === null) broken.push('the peer did not serve')
    else if (servedMs - seen.controlMs > peerServesMs) {
      over.push(`the peer served after ${(servedMs - seen.controlMs).toFixed(0)} ms`)
    }
  }
  if (addressGoneMs !== undefined) {
    const goneMs = run.change?.addressGoneMs ?? null
    if (goneMs === null) broken.push('the address stayed')
    else if (goneMs > addressGoneMs) over.push(`the address was gone after ${goneMs} ms`)
  }
  const oldMs = run.change?.oldAnsweredMs ?? 0
  if (limits.oldWithinLease && oldMs > run.letters.L) {
    broken.push(`the old active answered for ${oldMs.toFixed(0)} ms`)
  }
  broken.push(...neverForgiven(limits, run, seen))
  return { over, broken }
}

function neverForgiven(limits: Limits, run: RunLine, seen: Seen): string[] {
  const { dualMs, dualProofs, moves, lost } = seen
  const broken: string[] = []
  if (dualMs > 0 || dualProofs > 0) broken.push(`both served for ${dualMs} ms`)
  if (limits.moves !== undefined && moves > limits.moves) broken.push(`moved ${moves} times`)
  if (limits.lost !== undefined && lost > limits.lost) broken.push(`${lost} replies lost`)
  if (limits.steady) {
    if (run.told === null) broken.push('no agent told what happened')
    else if (run.told.activations > 0) broken.push(`${run.told.activations} role changes`)
    if ((run.told?.leaseEnds ?? 0) > 0) broken.push(`${run.told?.leaseEnds} lease ends`)
  }
  return broken
}

/** Outages beyond the control address, ms. */
export function outagesOf(runs: readonly RunLine[], stretch: 'during' | 'mended'): number[] {
  return runs.flatMap((run) => {
    const seen = run[stretch]
    return seen === null ? [] : [beyondControlMs(seen)]
  })
}

/** Smallest, middle and largest, for a table. */
export function threeOf(values: readonly number[]): string {
  const all = spread(values)
  if (all === null) return '-'
  return [all.min, all.median, all.max].map((value) => value.toFixed(0)).join(' / ')
}

function measuredText(requirement: Requirement, runs: readonly RunLine[]): string {
  const { during, mended } = requirement
  const parts: string[] = []
  const most = (values: readonly number[]): string => (spread(values)?.max ?? 0).toFixed(0)
  const seen = runs.flatMap((run) => run.during ?? [])
  const changes = runs.flatMap((run) => run.change ?? [])
  if (during !== undefined) {
    if (during.peerServesMs !== undefined) {
      const served = runs.flatMap(({ change, during: at }) =>
        change === null || change.peerServedMs === null
          ? []
          : [Math.max(0, change.peerServedMs - (at?.controlMs ?? 0))],
      )
      parts.push(`peer serves after ${threeOf(served)} ms`)
    } else if (during.steady === undefined) parts.push(`${threeOf(outagesOf(runs, 'during'))} ms`)
    if (during.oldWithinLease) {
      parts.push(`old silent after ${most(changes.flatMap((one) => one.oldAnsweredMs ?? []))} ms`)
    }
    if (during.addressGoneMs !== undefined) {
      parts.push(`address gone after ${most(changes.flatMap((one) => one.addressGoneMs ?? []))} ms`)
    }
    if (during.steady) {
      const told = runs.flatMap((run) => run.told ?? [])
      const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0)
      parts.push(`role changes ${total(told.map(({ activations }) => activations))}`)
      parts.push(`lease ends ${total(told.map(({ leaseEnds }) => leaseEnds))}`)
      if (during.lost !== undefined) parts.push(`lost ${total(seen.map(({ lost }) => lost))}`)
    }
  }
  if (mended !== undefined) {
    const after = `at most ${most(outagesOf(runs, 'mended'))} ms`
    parts.push(during === undefined ? after : `then ${after}`)
  }
  return parts.join(', ')
}

/** The power cut beside keepalived's, within each session; the largest ratio counts. */
function judgeRatio(runs: readonly RunLine[]): Verdict[] {
  const here = runs.filter(
    (run) => run.fault === 'power-cut' && run.profile === 'fast' && hasProfileTimes(run),
  )
  const medianOf = (pair: string, session: string): number | undefined =>
    spread(
      outagesOf(
        here.filter((run) => run.pair === pair && run.session === session),
        'during',
      ),
    )?.median
  const ratios = [...new Set(here.map((run) => run.session))].flatMap((session) => {
    const [ours, theirs] = [medianOf('tandem', session), medianOf('keepalived', session)]
    return ours === undefined || theirs === undefined || theirs === 0 ? [] : [ours / theirs]
  })
  if (ratios.length === 0) return []
  const ratio = Math.max(...ratios)
  return [
    {
      title: 'the same beside keepalived, advert_int 0.1',
      required: `ratio of the medians below ${RATIO_MAX}`,
      measured: ratio.toFixed(2),
      runs: here.filter((run) => run.pair === 'keepalived').length,
      failures: ratio < RATIO_MAX ? [] : [`ratio ${ratio.toFixed(2)}`],
      forgiven: [],
    },
  ]
}

function judgeIdle(lines: readonly IdleLine[]): Verdict[] {
  return (['default', 'fast'] as const).flatMap((profile) => {
    const here = lines.filter(
      (line) => line.pair === 'tandem' && line.profile === profile && hasProfileTimes(line),
    )
    if (here.length === 0) return []
    const trouble = here.flatMap((line) => line.trouble)
    const costs = here.flatMap(({ active, standby }) => [active ?? [], standby ?? []].flat())
    const cpu = Math.max(0, ...costs.map(({ cpuRatio }) => cpuRatio))
    const rss = Math.max(0, ...costs.map(({ rssMiB }: NodeCost) => rssMiB))
    const percent = `${(cpu * 100).toFixed(1)} % of one core`
    return [
      {
        title: `idle, \`${profile}\`, the dearer node`,
        required: `${IDLE_LIMITS[profile] * 100} % of one core, ${RESIDENT_MAX_MIB} MiB resident`,
        measured: `${percent}, ${rss.toFixed(0)} MiB`,
        runs: here.length,
        failures: [
          ...trouble,
          ...(cpu > IDLE_LIMITS[profile] ? [percent] : []),
          ...(rss > RESIDENT_MAX_MIB ? [`${rss.toFixed(0)} MiB`] : []),
        ],
        forgiven: [],
      },
    ]
  })
}

/** Over all faults and times but the one that PROTOCOL does not protect from. */
function judgeDual(ours: readonly RunLine[]): Verdict[] {
  const runs = ours.filter((run) => run.fault !== 'partition-blind' && run.during !== null)
  if (runs.length === 0) return []
  const dual = runs.filter(({ during, mended }) =>
    [during, mended].some((seen) => seen !== null && (seen.dualMs > 0 || seen.dualProofs > 0)),
  )
  return [
    {
      title: 'both nodes serving, all runs together',
      required: 'never',
      measured: dual.length === 0 ? 'never' : `in ${dual.length} runs`,
      runs: runs.length,
      failures: dual.map(
        ({ fault, run, letters }) => `${fault}, H ${letters.H} ms, run ${run}: both served`,
      ),
      forgiven: [],
    },
  ]
}
