/**
 * Does the agent notice that somebody took the gate away, and is it put back? Needs root.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { removeGate } from '../../src/gate/choose.ts'
import type { GateKind } from '../../src/gate/gate.ts'
import { guardOf } from '../../src/gate/guard.ts'
import { type Every, type GateWatch, watchGate } from '../../src/gate/watch.ts'
import * as native from '../../src/system/native.ts'
import {
  addLink,
  buildLab,
  FLOATING4,
  LEASE_MS,
  makeRunDir,
  must,
  pingsAnswered,
  prepareHere,
  removeLab,
  SERVICE,
  tool,
} from '../helpers/gate-lab.ts'

beforeAll(buildLab)
afterAll(removeLab)

let runDir = ''
let removeRunDir = (): void => undefined
let watch: GateWatch
beforeEach(() => {
  ;({ runDir, remove: removeRunDir } = makeRunDir())
})
afterEach(async () => {
  await watch.stop()
  await removeGate(runDir)
  tool('tc', 'qdisc', 'del', 'dev', SERVICE, 'clsact')
  removeRunDir()
})

/** No poll unless a test asks for it: what is noticed is noticed by the monitors. */
const never: Every = () => () => undefined

/** What the watch told, and a wait for the next time it tells a certain thing. */
async function startWatch(kind: GateKind, interfaces?: string[]) {
  const { gate, inForce } = await prepareHere(runDir, kind, interfaces)
  const told: string[] = []
  const waiting: { text: string; done: () => void }[] = []
  const tell = (text: string): void => {
    told.push(text)
    for (const one of waiting) if (one.text === text) one.done()
  }
  watch = watchGate({
    guard: guardOf(inForce),
    every: never,
    listener: {
      removed: ({ place, what }) => tell(`removed ${place}: ${what}`),
      mended: (place) => tell(`mended ${place}`),
      lost: ({ place, what }) => tell(`lost ${place}: ${what}`),
    },
  })
  // The monitors need a moment to start; their first look at everything finds nothing.
  await watch.check()
  await new Promise((done) => setTimeout(done, 200))
  expect(told).toEqual([])
  const heard = (text: string): Promise<void> =>
    new Promise((done) => {
      if (told.includes(text)) done()
      else waiting.push({ text, done })
    })
  return { gate, told, heard }
}

describe('the watch over the eBPF gate', () => {
  it('puts a removed qdisc back within a fraction of a second', async () => {
    const { told, heard, gate } = await startWatch('ebpf')
    const removedMs = native.bootTimeMs()
    must('tc', 'qdisc', 'del', 'dev', SERVICE, 'clsact')
    await heard(`mended ${SERVICE} ingress`)
    expect(native.bootTimeMs() - removedMs).toBeLessThan(500)
    expect(told).toEqual([
      `removed ${SERVICE} ingress: it was deleted`,
      `mended ${SERVICE} ingress`,
    ])
    expect(pingsAnswered(FLOATING4)).toBe(false)
    expect(gate.open(native.bootTimeMs() + LEASE_MS, false).done).toBe(true)
    expect(pingsAnswered(FLOATING4)).toBe(true)
  })

  it('puts a removed filter back while the gate stays open', async () => {
    const { told, heard, gate } = await startWatch('ebpf')
    expect(gate.open(native.bootTimeMs() + 4000, false).done).toBe(true)
    must('tc', 'filter', 'del', 'dev', SERVICE, 'egress')
    await heard(`mended ${SERVICE} egress`)
    expect(told).toEqual([`removed ${SERVICE} egress: it was deleted`, `mended ${SERVICE} egress`])
    expect(pingsAnswered(FLOATING4)).toBe(true)
    gate.close()
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })

  it('puts the command program back, and commands meanwhile are refused as silent', async () => {
    const { heard, gate } = await startWatch('ebpf')
    must('tc', 'qdisc', 'del', 'dev', 'lo', 'clsact')
    expect(gate.query().refusal).toBe('silent')
    await heard('mended lo egress')
    expect(gate.query().refusal).toBeNull()
  })

  it('guards an interface that was deleted and made again', async () => {
    const { heard } = await startWatch('ebpf')
    must('ip', 'link', 'del', SERVICE)
    addLink()
    await heard(`mended ${SERVICE} egress`)
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })

  it('guards an interface that was not there when the agent started', async () => {
    const { heard } = await startWatch('ebpf', [SERVICE, 'late0'])
    must('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
    await heard('mended late0 egress')
    expect(must('tc', 'filter', 'show', 'dev', 'late0', 'ingress')).toContain('tandem_in')
    must('ip', 'link', 'del', 'late0')
  })

  it('says that it is lost when somebody put another filter before ours', async () => {
    const { told, gate } = await startWatch('ebpf')
    expect(gate.query().done).toBe(true)
    const directory = must('sh', '-c', `ls -d ${runDir}/bpf/*/`).trim().split('\n').at(-1)
    must('tc', 'filter', 'del', 'dev', SERVICE, 'ingress')
    must(
      ...(['tc', 'filter', 'add', 'dev', SERVICE, 'ingress', 'pref', '1', 'handle'] as const),
      ...['9', 'protocol', 'all', 'bpf', 'direct-action', 'object-pinned'],
      `${directory}tandem_control`,
    )
    await watch.check()
    expect(told.filter((text) => text.startsWith('lost'))).toEqual([
      `lost ${SERVICE} ingress: filter pref 1 bpf tandem_control:[*fsobj] stands before the gate`,
    ])
    must('tc', 'filter', 'del', 'dev', SERVICE, 'ingress', 'pref', '1')
    await watch.check()
    expect(told.at(-1)).toBe(`mended ${SERVICE} ingress`)
  })
})

describe('the watch over the nftables gate', () => {
  it('loads the table again after all rules were flushed', async () => {
    const { told, heard, gate } = await startWatch('nftables')
    must('nft', 'flush', 'ruleset')
    expect(gate.query().refusal).toBe('silent')
    await heard('mended nftables table')
    expect(told).toEqual(['removed nftables table: the table is gone', 'mended nftables table'])
    expect(gate.query().refusal).toBeNull()
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })
})
