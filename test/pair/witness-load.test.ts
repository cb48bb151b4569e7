/**
 * Goal: how long a call to a real etcd takes, and how many pairs one of them carries. Method: the agents' own
 * keepers, two per pair, against etcd behind the switch of the lab with its data on this machine's disk; for more
 * and more pairs the renewals per second, the durations of calls and the leases that would have ended are printed.
 * What is asserted is that a single pair is carried; the rest is this machine's.
 *
 *     npx vitest run --project pair test/pair/witness-load.test.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveTiming, TIMING_PROFILES, type TimingProfile } from '../../src/core/policy.ts'
import { callLimitMs, WitnessKeeper } from '../../src/daemon/quorum/witness-keeper.ts'
import { WitnessLedger } from '../../src/daemon/quorum/witness-ledger.ts'
import { LabEtcd } from '../../src/lab/etcd.ts'
import { planLab } from '../../src/lab/plan.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { WitnessStore } from '../../src/links/witness-store.ts'
import type { ClientTls } from '../../src/system/https-json.ts'
import { native } from '../../src/system/native.ts'
import { recordKey } from '../../src/wire/witness-record.ts'

const isRoot = process.getuid?.() === 0
const SECONDS = 8
const STEPS: readonly [TimingProfile, number][] = [
  ['default', 1],
  ['default', 10],
  ['default', 30],
  ['fast', 1],
  ['fast', 4],
]

let lab: Lab
let etcd: LabEtcd
let tls: ClientTls
let directory: string

interface Measured {
  renewalsPerSecond: number
  callMs: { median: number; p99: number; max: number }
  failures: number
  /** Leases that ended although they were to be renewed. */
  ended: number
}

async function carry(profile: TimingProfile, pairs: number): Promise<Measured> {
  const timing = deriveTiming(TIMING_PROFILES[profile])
  const now = native.bootTimeMs
  const stores: WitnessStore[] = []
  const timers: NodeJS.Timeout[] = []
  const keepers: WitnessKeeper[] = []
  let counting = false
  let ended = 0
  const keeperOf = (pair: number, node: 'sp1' | 'sp2', active: boolean): void => {
    const store = new WitnessStore({
      endpoints: [etcd.endpoint],
      key: recordKey(`${profile}-${pairs}-${pair}`),
      ...{ tls, now, limitMs: callLimitMs(timing) },
    })
    let leaseMs: number | null = null
    const keeper = new WitnessKeeper({
      ledger: new WitnessLedger({ ...timing, node, boot: `${node}-${pair}` }),
      ...{ store, timing, now, log: () => {} },
      take: (happening) => {
        if (happening.type !== 'witness' || !happening.granted) return
        if (counting && leaseMs !== null && now() > leaseMs) ended += 1
        leaseMs = happening.sentAtMs + timing.leaseMs
      },
    })
    stores.push(store)
    keepers.push(keeper)
    // Pairs do not beat together.
    const first = setTimeout(
      () =>
        timers.push(
          setInterval(() => {
            keeper.beat()
            if (active) keeper.ask(1)
          }, timing.heartbeatMs),
        ),
      (pair / pairs) * timing.heartbeatMs,
    )
    timers.push(first)
  }
  for (let pair = 0; pair < pairs; pair += 1) {
    keeperOf(pair, 'sp1', true)
    keeperOf(pair, 'sp2', false)
  }
  await sleep(2_000)
  counting = true
  const renewals = (): number => keepers.reduce((sum, { snapshot }) => sum + snapshot.renewals, 0)
  const failures = (): number => keepers.reduce((sum, { snapshot }) => sum + snapshot.failures, 0)
  const before = { renewals: renewals(), failures: failures() }
  await sleep(SECONDS * 1000)
  const measured = {
    renewalsPerSecond: Math.round((renewals() - before.renewals) / SECONDS),
    failures: failures() - before.failures,
    ended,
  }
  for (const timer of timers) clearInterval(timer)
  const durations = stores.flatMap((store) => [...store.durations]).sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round((durations[Math.floor(share * (durations.length - 1))] ?? 0) * 10) / 10
  for (const store of stores) store.close()
  return { ...measured, callMs: { median: at(0.5), p99: at(0.99), max: at(1) } }
}

describe.skipIf(!isRoot)('the load of pairs on one etcd', () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'etcd-'))
    lab = await buildLab(planLab('tandemload'))
    // The keepers run here, outside of every machine of the lab.
    etcd = new LabEtcd(lab.plan, { on: 'outside', dataDirectory: join(directory, 'data') })
    await etcd.start()
    const { ca, certificate, key } = etcd.files
    const read = (file: string): Promise<string> => readFile(file, 'utf8')
    tls = { ca: await read(ca), certificate: await read(certificate), key: await read(key) }
  }, 60_000)

  afterAll(async () => {
    await etcd.kill()
    await lab.destroy()
    await rm(directory, { recursive: true, force: true })
  }, 60_000)

  it.each(STEPS)(
    '%s, %i pairs',
    async (profile, pairs) => {
      const measured = await carry(profile, pairs)
      process.stdout.write(`${profile}, ${pairs} pairs: ${JSON.stringify(measured)}\n`)
      if (pairs > 1) return
      const due = 1000 / TIMING_PROFILES[profile].heartbeatMs
      expect(measured.renewalsPerSecond).toBeGreaterThan(due / 2)
      expect(measured.callMs.median).toBeLessThan(TIMING_PROFILES[profile].leaseMs / 8)
    },
    60_000,
  )
})
