/**
 * Goal: the lab is what it says: machines reach each other, each fault breaks exactly what it names,
 * a dead node is dead and boots empty, the prober tells who answers, and nothing is left behind.
 * Method: a lab without a pair in it; `ping` inside its namespaces, and addresses moved by hand.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { burnCpu, heal, impose, setCable } from '../../src/lab/faults.ts'
import { observe } from '../../src/lab/measure.ts'
import { LabNode } from '../../src/lab/node.ts'
import { longestSilence, servingSpans } from '../../src/lab/outage.ts'
import { type MachineName, namespaceOf, planLab } from '../../src/lab/plan.ts'
import { labNowMs, Prober } from '../../src/lab/prober.ts'
import { attempt, inside, must, processesIn } from '../../src/lab/process.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'

const SEVERAL_LABS = join(import.meta.dirname, '../fixtures/lab/several-labs.mjs')
const plan = planLab('ldtest')
const root = process.getuid?.() === 0
const built = existsSync(new URL('../../dist/lab/asker.js', import.meta.url))
const { machines, crosslink } = plan

describe.skipIf(!root || !built)('the lab (root and a build needed)', () => {
  let lab: Lab
  let nodes: { sp1: LabNode; sp2: LabNode }

  beforeAll(async () => {
    lab = await buildLab(plan)
    nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
    await Promise.all([nodes.sp1.reinstall(), nodes.sp2.reinstall()])
  })

  afterEach(async () => {
    await mend()
  })

  afterAll(async () => {
    await lab.destroy()
    expect(readdirSync('/run/netns').filter((name) => name.startsWith('ldtest-'))).toEqual([])
    expect(existsSync(plan.workDir)).toBe(false)
  })

  async function mend(): Promise<void> {
    await heal(lab)
    // The kernel asks for a silent neighbour once a second only: the next look is not to wait.
    for (const machine of ['sp1', 'sp2', 'ping1'] as const) {
      const forget = ['ip', 'neigh', 'flush', 'nud', 'all']
      await must('forget neighbours', inside(namespaceOf(plan, machine), forget))
    }
  }

  /** Share of echo requests that were answered, 0..1. */
  async function answeredRatio(from: MachineName, to: string, count = 3): Promise<number> {
    const patience = ['-n', '-q', '-i', '0.005', '-W', '0.3', '-c', `${count}`]
    const result = await attempt(
      'ping',
      inside(namespaceOf(plan, from), ['ping', ...patience, to]),
      { timeoutMs: 60_000 },
    )
    const received = /(\d+) received/.exec(result.stdout)?.[1]
    return Number(received ?? 0) / count
  }

  /** Makes them know each other's MAC addresses for good: one lost ARP answer holds up a second of pings. */
  async function pinNeighbours(): Promise<void> {
    for (const machine of ['sp1', 'sp2', 'ping1'] as const) {
      const namespace = namespaceOf(plan, machine)
      const shown = await must('look', inside(namespace, ['ip', '-4', '-o', 'neigh', 'show']))
      for (const [, address, device, mac] of shown.matchAll(/^(\S+) dev (\S+) lladdr (\S+)/gm)) {
        const entry = [address, 'lladdr', mac, 'dev', device, 'nud', 'permanent'].map(String)
        await must('pin', inside(namespace, ['ip', 'neigh', 'replace', ...entry]))
      }
    }
  }

  const reaches = async (from: MachineName, to: string): Promise<boolean> =>
    (await answeredRatio(from, to)) > 0

  async function overview(): Promise<Record<string, boolean>> {
    const [lan, lan6, cross, ping, client] = await Promise.all([
      reaches('sp1', machines.sp2.ipv4),
      reaches('sp1', machines.sp2.ipv6),
      reaches('sp1', crosslink.sp2.ipv4),
      reaches('sp1', machines.ping1.ipv4),
      reaches('client', machines.sp1.ipv4),
    ])
    return { lan, lan6, cross, ping, client }
  }

  const ALL = { lan: true, lan6: true, cross: true, ping: true, client: true }

  it('lets everybody reach everybody when nothing is broken', async () => {
    expect(await overview()).toEqual(ALL)
  })

  it('cuts the nodes from each other and from nobody else in a partition', async () => {
    await impose(lab, [{ kind: 'partition', arpPasses: false }])
    expect(await overview()).toEqual({ ...ALL, lan: false, lan6: false, cross: false })
    expect(await reaches('sp2', machines.ping1.ipv4)).toBe(true)
    await mend()
    expect(await overview()).toEqual(ALL)
  })

  it('lets ARP pass a partition where told to, and only there', async () => {
    const resolve = async (): Promise<boolean> => {
      const probe = ['arping', '-c', '1', '-w', '1', '-I', 'eth0', machines.sp2.ipv4]
      return (await attempt('arping', inside(nodes.sp1.namespace, probe))).ok
    }
    await impose(lab, [{ kind: 'partition', arpPasses: true }])
    expect({ arp: await resolve(), ...(await overview()) }).toEqual({
      ...ALL,
      arp: true,
      lan: false,
      lan6: false,
      cross: false,
    })
    await impose(lab, [{ kind: 'partition', arpPasses: false }])
    expect(await resolve()).toBe(false)
  })

  it('pulls the crosslink with the carrier of both ends and leaves the LAN', async () => {
    const carrier = async (node: LabNode): Promise<boolean> => {
      const shown = await must('look', inside(node.namespace, ['ip', '-o', 'link', 'show', 'eth1']))
      return !shown.includes('NO-CARRIER')
    }
    expect(await carrier(nodes.sp1)).toBe(true)
    await setCable(lab, 'crosslink', 'down')
    expect([await carrier(nodes.sp1), await carrier(nodes.sp2)]).toEqual([false, false])
    expect(await overview()).toEqual({ ...ALL, cross: false })
  })

  it('silences the LAN of one machine without touching its carrier', async () => {
    await impose(lab, [{ kind: 'lan-silent', machine: 'sp1' }])
    const shown = await must(
      'look',
      inside(nodes.sp1.namespace, ['ip', '-o', 'link', 'show', 'eth0']),
    )
    expect(shown).not.toContain('NO-CARRIER')
    expect(await overview()).toEqual({
      lan: false,
      lan6: false,
      cross: true,
      ping: false,
      client: false,
    })
    expect(await reaches('sp2', machines.ping1.ipv4)).toBe(true)
  })

  it('cuts one way only: what is asked arrives, the answer does not', async () => {
    const counted = async (): Promise<number> => {
      const file = '/proc/net/snmp'
      const text = await must('count', inside(nodes.sp2.namespace, ['cat', file]))
      const [names = [], values = []] = text
        .split('\n')
        .filter((line) => line.startsWith('Icmp:'))
        .map((line) => line.split(' '))
      return Number(values[names.indexOf('InEchos')])
    }
    // Known by MAC address beforehand: an ARP answer would not come back either.
    expect(await reaches('sp1', machines.sp2.ipv4)).toBe(true)
    await impose(lab, [{ kind: 'one-way', from: 'sp2' }])
    const before = await counted()
    expect(await answeredRatio('sp1', machines.sp2.ipv4, 5)).toBe(0)
    expect((await counted()) - before).toBe(5)
  })

  it('loses the share that was asked for between the nodes, and nothing elsewhere', async () => {
    expect(await overview()).toEqual(ALL)
    await pinNeighbours()
    await impose(lab, [{ kind: 'loss', percent: 30 }])
    // Both ways must succeed: 0.7 x 0.7 = 0.49; four standard deviations of 400 are 0.10.
    expect(Math.abs((await answeredRatio('sp1', machines.sp2.ipv4, 400)) - 0.49)).toBeLessThan(0.1)
    expect(await answeredRatio('sp1', machines.ping1.ipv4, 100)).toBe(1)
    await impose(lab, [{ kind: 'loss-everywhere', percent: 10 }])
    expect(Math.abs((await answeredRatio('sp1', machines.ping1.ipv4, 400)) - 0.81)).toBeLessThan(
      0.08,
    )
    expect(Math.abs((await answeredRatio('sp1', machines.sp2.ipv4, 400)) - 0.81)).toBeLessThan(0.08)
  })

  it('splits the LAN so that each side reaches itself only', async () => {
    await impose(lab, [{ kind: 'split', side: ['sp1', 'ping1'] }])
    expect({
      own: await reaches('sp1', machines.ping1.ipv4),
      other: await reaches('sp1', machines.ping2.ipv4),
      peer: await reaches('sp1', machines.sp2.ipv4),
      cross: await reaches('sp1', crosslink.sp2.ipv4),
      peerOwn: await reaches('sp2', machines.ping2.ipv4),
    }).toEqual({ own: true, other: false, peer: false, cross: false, peerOwn: true })
  })

  it('takes everything of a node in a power cut and boots it with nothing but its disk', async () => {
    const { sp1 } = nodes
    sp1.launch(['sh', '-c', 'sleep 600 & exec sleep 600'])
    await must('fill the disk', ['touch', `${sp1.directories.state}/kept`])
    await must('fill the run directory', ['touch', `${sp1.directories.run}/lost`])
    await must(
      'take a floating address',
      inside(sp1.namespace, ['ip', 'addr', 'add', '10.71.0.50/32', 'dev', 'eth0']),
    )
    await must('filter', inside(sp1.namespace, ['nft', 'add', 'table', 'inet', 'own']))
    const begunMs = labNowMs()
    await sp1.powerOff()
    expect(labNowMs() - begunMs).toBeLessThan(1000)
    expect(processesIn(sp1.namespace)).toEqual([])
    expect(await reaches('client', machines.sp1.ipv4)).toBe(false)
    await sp1.powerOn()
    expect(existsSync(`${sp1.directories.state}/kept`)).toBe(true)
    expect(existsSync(`${sp1.directories.run}/lost`)).toBe(false)
    const left = await must('look', inside(sp1.namespace, ['ip', '-o', 'addr']))
    expect(left).not.toContain('10.71.0.50')
    expect(await must('look', inside(sp1.namespace, ['nft', 'list', 'tables']))).toBe('')
    expect(await overview()).toEqual(ALL)
  })

  it('freezes and thaws what runs on a node, but not the responder', async () => {
    const program = nodes.sp2.launch(['sleep', '600'])
    const stateOf = (): Promise<string> =>
      must('look', ['ps', '-o', 'state=', '-p', `${program.pid}`])
    await expect.poll(() => nodes.sp2.processes()).toEqual([program.pid])
    await expect.poll(stateOf).toMatch(/S/)
    nodes.sp2.pause()
    expect((await stateOf()).trim()).toBe('T')
    nodes.sp2.resume()
    expect((await stateOf()).trim()).toBe('S')
    nodes.sp2.signal('SIGKILL')
    await expect.poll(() => nodes.sp2.processes()).toEqual([])
    expect(processesIn(nodes.sp2.namespace)).toHaveLength(1)
  })

  it('burns the processors and stops for sure', async () => {
    const namespace = namespaceOf(plan, 'lan')
    const before = processesIn(namespace).length
    const load = burnCpu(lab, 2, 10)
    await sleep(200)
    expect(processesIn(namespace)).toHaveLength(before + 2)
    await load.stop()
    expect(processesIn(namespace)).toHaveLength(before)
  })

  it('tells clients who answers, how long nobody did, and when both did', async () => {
    const prober = new Prober(lab)
    const move = (node: LabNode, action: 'replace' | 'del'): Promise<string> =>
      must(`${action} on ${node.name}`, inside(node.namespace, ['ip', '-batch', '-']), {
        input: [`addr ${action} 10.71.0.50/24 dev eth0`, ''].join('\n'),
      })
    const announce = (node: LabNode): Promise<unknown> =>
      attempt(
        'announce',
        inside(node.namespace, ['arping', '-U', '-c', '1', '-I', 'eth0', '10.71.0.50']),
      )
    try {
      await move(nodes.sp1, 'replace')
      await prober.start([4])
      expect(await prober.untilServed(500, 5000)).toBe('sp1')
      const begunMs = labNowMs()
      await move(nodes.sp1, 'del')
      await sleep(200)
      await move(nodes.sp2, 'replace')
      await announce(nodes.sp2)
      expect(await prober.untilServed(500, 5000)).toBe('sp2')
      const handover = { fromMs: begunMs, toMs: labNowMs() }
      await prober.settle(handover)
      const seen = observe(prober, { families: [4] }, handover, { leadMs: 200 })
      expect(seen).toMatchObject({ outageEnded: true, moves: 1, dualMs: 0, dualProofs: 0 })
      expect(seen.outageMs).toBeGreaterThan(200)
      expect(seen.outageMs).toBeLessThan(800)
      expect(longestSilence(prober.recorded('control'), handover).ms).toBeLessThan(100)

      const dualMs = labNowMs()
      await move(nodes.sp1, 'replace')
      await sleep(300)
      await move(nodes.sp1, 'del')
      const both = { fromMs: dualMs, toMs: labNowMs() }
      await prober.settle(both)
      const dual = observe(prober, { families: [4] }, both)
      expect(dual.dualMs).toBeGreaterThan(250)
      expect(dual.dualMs).toBeLessThan(500)
      // Nobody announced anything: the ordinary client stayed with sp2 and saw no fault at all.
      expect(dual.moves).toBe(0)
      expect(servingSpans(prober.recorded('vip4@sp1')).map((span) => span.by)).toEqual([
        'sp1',
        'sp1',
      ])
    } finally {
      await prober.stop()
    }
  })

  it('removes every lab of a process that is told to end, before that ends', async () => {
    const prefixes = ['ldtesta', 'ldtestb']
    const plans = prefixes.map((prefix) => planLab(prefix))
    const program = spawn(process.execPath, [SEVERAL_LABS, ...prefixes])
    try {
      // It says a word when both are built. The last one has many files, and takes longer to remove.
      await once(program.stdout, 'data', { signal: AbortSignal.timeout(60_000) })
      const [ended] = await Promise.all([once(program, 'exit'), program.kill('SIGTERM')])
      expect(ended).toEqual([143, null])
      const left = readdirSync('/run/netns').filter((name) => /^ldtest[ab]-/.test(name))
      expect([left, plans.filter(({ workDir }) => existsSync(workDir))]).toEqual([[], []])
    } finally {
      program.kill('SIGKILL')
      for (const each of plans) await (await buildLab(each)).destroy()
    }
  })
})
