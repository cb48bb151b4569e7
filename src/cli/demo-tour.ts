/**
 * What does the demo show? Each act breaks or moves something and tells what clients saw of it.
 *
 * The figures are measured by the lab's clients and compared with the promises of PROTOCOL,
 * "Bounds", exactly as the bench does it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { controlClient } from '../control/client.ts'
import type { StatusDocument } from '../control/schema.ts'
import { type Demand, judge, LETTERS, type Seen } from '../lab/demand.ts'
import { heal, impose } from '../lab/faults.ts'
import { observe, startPair, stopPair, type Workbench } from '../lab/measure.ts'
import { LabNode } from '../lab/node.ts'
import { type PairDriver, tandemPair } from '../lab/pair.ts'
import { NODE_NAMES, otherNode } from '../lab/plan.ts'
import type { TimingProfileName } from '../lab/platform-files.ts'
import { labNowMs, Prober } from '../lab/prober.ts'
import { redisConfigLines } from '../lab/redis.ts'
import type { Lab } from '../lab/topology.ts'
import type { Io } from './command.ts'
import {
  DemoStore,
  type StoreEnd,
  storeKept,
  storeSummary,
  WRITES_PER_SECOND,
} from './demo-store.ts'
import { type Paint, paintFor } from './paint.ts'

/** A status is asked over a local socket. */
const STATUS_LIMIT_MS = 2000
const STABLE_MS = 500
/** Writes of a store stop no longer than this while nobody has to take over, */
const STALL_MS = 200
/** and this long after a takeover. */
const PROMOTED_WITHIN_MS = 400
const SERVED_WITHIN_MS = 20_000

interface Act {
  title: string
  watchMs: number
  demand: Demand
  /** Longest that writes to a store may stop, ms. */
  stallMs: number
  powerCut?: true
  perform(): Promise<void>
}

interface Outcome {
  title: string
  seen: Seen
  demand: Demand
  failures: string[]
}

/** Plays all acts. Returns whether every promise held. */
export async function tour(lab: Lab, profile: TimingProfileName, io: Io): Promise<boolean> {
  const paint = paintFor(io)
  const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
  const without = DemoStore.missing()
  const store = without === null ? new DemoStore(lab, nodes) : null
  const lines = store === null ? [] : redisConfigLines(lab.plan.workDir)
  const pair = tandemPair(profile, undefined, lines)
  const driver = store?.driver(pair) ?? pair
  const why = await driver.missing()
  if (why !== null) throw new Error(why)
  const bench: Workbench = { lab, nodes, prober: new Prober(lab), profile }
  io.stdout(`Starting the pair, times "${profile}" ... `)
  await driver.prepare(lab)
  const outcomes: Outcome[] = []
  let end: StoreEnd | null = null
  try {
    const first = await startPair(bench, driver)
    io.stdout(`${first} serves ${lab.plan.floatingIps.map((one) => one.address).join(' and ')}\n`)
    await store?.start()
    io.stdout(
      store === null
        ? `Left out: an application that writes to a store; ${without}.\n`
        : `An application writes ${WRITES_PER_SECOND} times a second to Redis through the floating IP.\n`,
    )
    await showStatus(bench, io, paint)
    for (const act of acts(bench, driver, store)) {
      io.stdout(`\n${paint(act.title, 'title')}\n`)
      const { outcome, window } = await play(bench, driver, act)
      outcomes.push(outcome)
      io.stdout(`  ${sentence(outcome, paint)}\n`)
      if (store !== null) {
        const { controlMs } = outcome.seen
        const demand = { stallMs: act.stallMs, powerCut: act.powerCut === true }
        io.stdout(`  ${store.note({ title: act.title, window, controlMs }, demand, paint)}\n`)
      }
      await showStatus(bench, io, paint)
    }
    end = (await store?.end()) ?? null
  } finally {
    await stopPair(bench)
  }
  io.stdout(summary(outcomes, paint))
  if (end !== null) io.stdout(storeSummary(end, paint))
  return (
    outcomes.every((outcome) => outcome.failures.length === 0) && (end === null || storeKept(end))
  )
}

function acts(bench: Workbench, driver: PairDriver, store: DemoStore | null): Act[] {
  const { D, H } = LETTERS[bench.profile]
  const steady: Demand = { outageMs: 0, movesMax: 0, dualForbidden: true }
  const move = (outageMs: number): Demand => ({ outageMs, movesMax: 1, dualForbidden: true })
  const serving = async (): Promise<LabNode> =>
    bench.nodes[await bench.prober.untilServed(STABLE_MS, SERVED_WITHIN_MS)]
  let dead: LabNode | null = null
  return [
    {
      title: 'Power cut of the active: cables dead, every process killed at one instant',
      watchMs: 3000,
      demand: move(D + 3 * H),
      stallMs: D + 3 * H + PROMOTED_WITHIN_MS,
      powerCut: true,
      async perform() {
        dead = await serving()
        await dead.powerOff()
      },
    },
    {
      title: 'The dead node boots again: it joins as standby, nothing moves back',
      watchMs: 5000,
      demand: steady,
      stallMs: STALL_MS,
      async perform() {
        if (dead === null) return
        await dead.powerOn()
        await driver.start(dead)
        // The switchover that follows needs it, and a slow machine takes its time to start a program.
        const endMs = labNowMs() + SERVED_WITHIN_MS
        while (driver.ready?.(dead) === false && labNowMs() < endMs) await sleep(50)
        await store?.whole()
      },
    },
    {
      title: 'Planned switchover: tandem make-standby on the active',
      watchMs: 2500,
      demand: move(3 * H),
      stallMs: STALL_MS,
      perform: async () => driver.switchover(await serving()),
    },
    {
      title: 'Partition: the nodes cannot reach each other at all, both reach everybody else',
      watchMs: 4000,
      demand: steady,
      stallMs: STALL_MS,
      perform: () => impose(bench.lab, [{ kind: 'partition', arpPasses: false }]),
    },
    {
      title: 'The partition heals',
      watchMs: 3000,
      demand: steady,
      stallMs: STALL_MS,
      perform: () => heal(bench.lab),
    },
  ]
}

async function play(
  bench: Workbench,
  driver: PairDriver,
  act: Act,
): Promise<{ outcome: Outcome; window: { fromMs: number; toMs: number } }> {
  await bench.prober.untilServed(STABLE_MS, SERVED_WITHIN_MS)
  const fromMs = labNowMs()
  await act.perform()
  await sleep(Math.max(0, fromMs + act.watchMs - labNowMs()))
  const window = { fromMs, toMs: labNowMs() }
  await bench.prober.settle(window)
  const seen = observe(bench.prober, driver, window, { leadMs: 100 })
  const failures = judge(seen, act.demand)
  return { outcome: { title: act.title, seen, demand: act.demand, failures }, window }
}

function sentence({ seen, demand, failures }: Outcome, paint: Paint): string {
  const promised = demand.outageMs === 0 ? 'the service goes on' : `at most ${demand.outageMs} ms`
  const parts = [
    `longest silence ${paint(`${seen.outageMs.toFixed(0)} ms`, 'title')} (promised: ${promised})`,
    seen.moves === 0
      ? 'nothing moved'
      : `moved ${seen.moves === 1 ? 'once' : `${seen.moves} times`}`,
    seen.dualMs === 0 && seen.dualProofs === 0
      ? 'never two at once'
      : `both served for ${seen.dualMs.toFixed(0)} ms`,
    `the control address was silent for ${seen.controlMs.toFixed(0)} ms`,
  ]
  const verdict = failures.length === 0 ? paint('kept', 'good') : paint(failures.join('; '), 'bad')
  return `${parts.join(', ')}: ${verdict}`
}

async function showStatus(bench: Workbench, io: Io, paint: Paint): Promise<void> {
  for (const name of NODE_NAMES) {
    const asked = await controlClient(bench.nodes[name].directories.run).status(STATUS_LIMIT_MS)
    if (!asked.ok) {
      io.stdout(`  ${name}  ${paint('no agent', 'warn')}\n`)
      continue
    }
    const { local, peer, pingNodes, score, stores } = asked.value
    const state = paint(local.state.padEnd(10), local.state === 'active' ? 'good' : 'plain')
    io.stdout(
      `  ${name}  ${state} term ${local.term}, gate ${local.gate.state} (${local.gate.kind}), ` +
        `ping nodes ${score} of ${pingNodes.length}, ` +
        `${otherNode(name)} ${peer.heard ? 'heard' : 'not heard'}${storeWord(stores)}\n`,
    )
  }
}

function storeWord([store]: StatusDocument['stores']): string {
  if (store === undefined) return ''
  if (store.role === 'writable') return ', Redis takes writes'
  return store.following ? ', Redis follows' : ', Redis stands alone'
}

function summary(outcomes: readonly Outcome[], paint: Paint): string {
  const width = Math.max(...outcomes.map(({ title }) => title.length))
  const lines = outcomes.map(({ title, seen, demand, failures }) => {
    const verdict = failures.length === 0 ? paint('kept', 'good') : paint('BROKEN', 'bad')
    const promised = demand.outageMs === 0 ? 'goes on' : `<= ${demand.outageMs} ms`
    const measured = `${seen.outageMs.toFixed(0)} ms`
    return `${title.padEnd(width)}  ${measured.padStart(7)}  ${promised.padEnd(10)}  ${verdict}\n`
  })
  const head = `${'What happened'.padEnd(width)}  silence  promised\n`
  return `\n${paint(head, 'title')}${lines.join('')}\n`
}
