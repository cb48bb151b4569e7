/**
 * What passes a gate that is shut, occupied, open? The table of guarantees, seen from a client on
 * the same Ethernet, for both kinds of gate that have a part in the kernel.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeGate } from '../../src/gate/choose.ts'
import type { Gate, GateKind } from '../../src/gate/gate.ts'
import * as native from '../../src/system/native.ts'
import {
  buildLab,
  CLIENT4,
  clientLater,
  FLOATING4,
  FLOATING6,
  forgetNeighbours,
  holding,
  LEASE_MS,
  makeRunDir,
  OTHER4,
  prepareHere,
  removeLab,
  SERVICE,
  sleep,
  sniff,
  toolLater,
} from '../helpers/gate-lab.ts'

beforeAll(buildLab)
afterAll(removeLab)

/** Answers to three echo requests. */
async function pings(where: typeof clientLater, ...args: string[]): Promise<number> {
  const { text } = await where('ping', '-n', '-c', '3', '-i', '0.1', '-W', '0.3', ...args)
  return Number(/(\d+) received/.exec(text)?.[1] ?? -1)
}

const here = (...[command = '', ...args]: string[]) => toolLater(command, ...args)

async function arpAnswers(where: typeof clientLater, ...args: string[]): Promise<number> {
  const { text } = await where('arping', '-c', '1', '-w', '1', ...args)
  return Number(/Received (\d+) response/.exec(text)?.[1] ?? -1)
}

/** Tries to take the IPv6 address at the client. @returns whether that failed, and the answer */
async function duplicateAddress(): Promise<{ defended: boolean; flags: string | null }> {
  await clientLater('ip', 'address', 'flush', 'dev', 'cli0', 'to', `${FLOATING6}/128`)
  let defended = false
  const frames = await sniff('icmp6 and ip6[40] == 136', async () => {
    await clientLater('ip', 'address', 'add', `${FLOATING6}/64`, 'dev', 'cli0')
    await sleep(1800)
    const ours = ['dev', 'cli0', 'to', `${FLOATING6}/128`]
    const shown = await clientLater('ip', 'address', 'show', ...ours)
    defended = shown.text.includes('dadfailed')
    await clientLater('ip', 'address', 'del', `${FLOATING6}/64`, 'dev', 'cli0')
  })
  const answer = frames.find((frame) => frame.includes(`tgt is ${FLOATING6}`)) ?? null
  if (answer !== null) expect(answer).toContain('[icmp6 sum ok]')
  return { defended, flags: /Flags \[(.*?)\]/.exec(answer ?? '')?.[1] ?? null }
}

async function gratuitous(): Promise<number> {
  const frames = await sniff(`arp and src host ${FLOATING4}`, async () => {
    const args = ['-c', '1', '-w', '1', '-I', SERVICE, FLOATING4]
    await Promise.all([toolLater('arping', '-U', ...args), toolLater('arping', '-A', ...args)])
  })
  return frames.length
}

/** Echo requests with a floating IP as sender that reach the client's wire, of three. */
async function leaving(from: string, to: string): Promise<number> {
  const frames = await sniff(`src host ${from} and (icmp or icmp6)`, () =>
    toolLater('ping', '-n', '-c', '3', '-i', '0.1', '-W', '0.3', '-I', from, to),
  )
  return frames.filter((frame) => frame.includes('echo request')).length
}

/** The whole table for one state of the gate. */
async function look(): Promise<Record<string, unknown>> {
  await forgetNeighbours()
  return {
    ping4: await pings(clientLater, FLOATING4),
    ping6: await pings(clientLater, FLOATING6),
    arpRequest: await arpAnswers(clientLater, '-I', 'cli0', FLOATING4),
    arpProbe: await arpAnswers(clientLater, '-D', '-I', 'cli0', FLOATING4),
    gratuitousArp: await gratuitous(),
    duplicateAddress: await duplicateAddress(),
    asSource4: await leaving(FLOATING4, CLIENT4),
    asSource6: await leaving(FLOATING6, 'fd99::2'),
    ownAddress4: await pings(here, FLOATING4),
    ownAddress6: await pings(here, FLOATING6),
    otherAddress4: await pings(clientLater, OTHER4),
    otherAddress6: await pings(clientLater, 'fd99::1'),
    otherProbe: await arpAnswers(clientLater, '-D', '-I', 'cli0', OTHER4),
    ownProbeAnswered: await arpAnswers(here, '-D', '-I', SERVICE, CLIENT4),
  }
}

const ALWAYS = {
  ownAddress4: 3,
  ownAddress6: 3,
  otherAddress4: 3,
  otherAddress6: 3,
  otherProbe: 1,
  ownProbeAnswered: 1,
}

const NOTHING = {
  ...ALWAYS,
  ping4: 0,
  ping6: 0,
  arpRequest: 0,
  arpProbe: 0,
  gratuitousArp: 0,
  duplicateAddress: { defended: false, flags: null },
  asSource4: 0,
  asSource6: 0,
}

const EVERYTHING = {
  ...ALWAYS,
  ping4: 3,
  ping6: 3,
  arpRequest: 1,
  arpProbe: 1,
  gratuitousArp: 2,
  duplicateAddress: { defended: true, flags: 'override' },
  asSource4: 3,
  asSource6: 3,
}

/** K5: address probes are answered, and the answer draws no clients. */
const PROBES_ONLY = {
  ...NOTHING,
  arpProbe: 1,
  duplicateAddress: { defended: true, flags: 'none' },
}

/** The rules of nftables cannot take the override flag off. */
const PROBES_ONLY_WEAKER = {
  ...PROBES_ONLY,
  duplicateAddress: { defended: true, flags: 'override' },
}

describe.each<[GateKind, Record<string, unknown>]>([
  ['ebpf', PROBES_ONLY],
  ['nftables', PROBES_ONLY_WEAKER],
])('the %s gate', (kind, probesOnly) => {
  const { runDir, remove } = makeRunDir()
  let gate: Gate
  beforeAll(async () => {
    gate = (await prepareHere(runDir, kind)).gate
  })
  afterAll(async () => {
    expect(await removeGate(runDir)).toEqual([])
    remove()
  })

  it('lets nothing of the floating IPs pass while it is shut', async () => {
    expect(await holding(gate, 'shut', look)).toEqual(NOTHING)
  })

  it('lets only probes pass while it is occupied (K5)', async () => {
    expect(await holding(gate, 'occupied', look)).toEqual(probesOnly)
  })

  it('lets everything pass while it is open', async () => {
    expect(await holding(gate, 'open', look)).toEqual(EVERYTHING)
  })

  it('shuts by itself at its deadline, and not much earlier', async () => {
    const open = async (forMs: number, thenMs: number): Promise<number> => {
      expect(gate.open(native.bootTimeMs() + forMs, false).done).toBe(true)
      await sleep(thenMs)
      const answered = await pings(clientLater, '-c', '1', FLOATING4)
      gate.close()
      return answered
    }
    expect([await open(600, 450), await open(300, 320)]).toEqual([1, 0])
  })

  it('shuts at once when it is closed', async () => {
    expect(gate.open(native.bootTimeMs() + LEASE_MS, false).done).toBe(true)
    expect(gate.close()).toMatchObject({ done: true, serveUntilMs: 0, occupiedUntilMs: 0 })
    expect(await pings(clientLater, FLOATING4)).toBe(0)
  })
})
