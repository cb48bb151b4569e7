/**
 * The gate in the kernel: does the program obey the same rules as the model, and does it let pass
 * what PROTOCOL says, nothing else? Needs root and network namespaces.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { prepareGate, removeGate } from '../../src/gate/choose.ts'
import { readAnswer, writeCommand } from '../../src/gate/command.ts'
import { EbpfGate } from '../../src/gate/ebpf-gate.ts'
import { configureObject, loadObject } from '../../src/gate/ebpf-object.ts'
import * as native from '../../src/system/native.ts'
import {
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
import { AHEAD_MAX_MS, expected, RULES, type RuleKernel, runRule } from '../helpers/gate-rules.ts'

const pause = new Int32Array(new SharedArrayBuffer(4))
const standStill = (ms: number): void => {
  Atomics.wait(pause, 0, 0, ms)
}

beforeAll(buildLab)
afterAll(removeLab)

let runDir = ''
let removeRunDir = (): void => undefined
beforeEach(() => {
  ;({ runDir, remove: removeRunDir } = makeRunDir())
})
afterEach(async () => {
  await removeGate(runDir)
  for (const qdisc of ['clsact', 'ingress']) tool('tc', 'qdisc', 'del', 'dev', SERVICE, qdisc)
  tool('nft', 'flush', 'ruleset')
  removeRunDir()
})

/** Raw commands to the program, with a key that the test knows. */
async function rawKernel(): Promise<RuleKernel & { dispose: () => void; fd: number }> {
  const prepared = await prepareHere(runDir, 'ebpf')
  if (prepared.inForce.kind !== 'ebpf') throw new Error('not eBPF')
  const key = Buffer.from('0123456789abcdef')
  const { loaded } = prepared.inForce.inForce
  const settings = { key, aheadMaxMs: AHEAD_MAX_MS, slot: 0, addresses: [] }
  expect(await configureObject(loaded, settings)).toBeNull()
  const fd = native.gateOpen()
  const buffer = Buffer.alloc(96)
  return {
    fd,
    nowMs: () => native.bootTimeMs(),
    waitUntil: (ms) => {
      const leftMs = ms - native.bootTimeMs()
      if (leftMs > 0) standStill(leftMs)
    },
    obey: ({ operation, flag, keyRight, session, sequence, deadlineMs }) => {
      writeCommand(buffer, {
        operation,
        flag,
        slot: 0,
        key: keyRight ? key : Buffer.alloc(16, 1),
        session: BigInt(session),
        sequence: BigInt(sequence),
        deadlineMs,
      })
      expect(native.gateExchange(fd, buffer, 100)).toBe(true)
      return readAnswer(buffer)
    },
    dispose: () => native.fdClose(fd),
  }
}

describe('the command rules, in the kernel', () => {
  it.each(RULES)('$promise', async (rule) => {
    const kernel = await rawKernel()
    expect(runRule(rule, kernel)).toEqual(expected(rule))
    kernel.dispose()
  })

  it('an operation that nobody knows is refused, and the key never comes back', async () => {
    const kernel = await rawKernel()
    const claim = { flag: false, keyRight: true, session: 7, deadlineMs: 0 }
    expect(kernel.obey({ ...claim, operation: 'claim', sequence: 1 }).refusal).toBeNull()
    const buffer = Buffer.alloc(96)
    writeCommand(buffer, {
      operation: 'close',
      flag: false,
      slot: 0,
      key: Buffer.from('0123456789abcdef'),
      session: 7n,
      sequence: 2n,
      deadlineMs: 0,
    })
    buffer.writeUInt8(99, 4)
    expect(native.gateExchange(kernel.fd, buffer, 100)).toBe(true)
    expect(readAnswer(buffer).refusal).toBe('op')
    expect(buffer.subarray(8, 24)).toEqual(Buffer.alloc(16))
    kernel.dispose()
  })

  it('keeps its clock between two readings of ours', async () => {
    const { gate } = await prepareHere(runDir, 'ebpf')
    if (!(gate instanceof EbpfGate)) throw new Error('not eBPF')
    for (let round = 0; round < 100; round += 1) {
      const beforeMs = native.bootTimeMs()
      const { bootNowMs } = gate.read()
      const afterMs = native.bootTimeMs()
      expect(bootNowMs).toBeGreaterThanOrEqual(beforeMs - 0.001)
      expect(bootNowMs).toBeLessThanOrEqual(afterMs + 0.001)
    }
  })
})

describe('an agent that is stopped', () => {
  /** Stops this very process by signal, as an operator or a hypervisor would. */
  const beStoppedFor = (ms: number): void => {
    const seconds = String(ms / 1000)
    spawn('sh', ['-c', `sleep ${seconds}; kill -CONT ${process.pid}`], { stdio: 'ignore' })
    process.kill(process.pid, 'SIGSTOP')
  }

  it('between its decision and its sending cannot open or extend (K2)', async () => {
    const { gate } = await prepareHere(runDir, 'ebpf')
    const openUntilMs = native.bootTimeMs() + 50
    beStoppedFor(200)
    expect(native.bootTimeMs()).toBeGreaterThan(openUntilMs + 50)
    expect(gate.open(openUntilMs, false)).toMatchObject({ done: false, refusal: 'past' })
    expect(pingsAnswered(FLOATING4)).toBe(false)

    expect(gate.open(native.bootTimeMs() + 100, false).done).toBe(true)
    const extendUntilMs = native.bootTimeMs() + 150
    beStoppedFor(250)
    expect(gate.extend(extendUntilMs)).toMatchObject({ done: false, refusal: 'past' })
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })

  it('while its gate is open is shut by the kernel, and stays shut when it goes on', async () => {
    const { gate } = await prepareHere(runDir, 'ebpf')
    expect(gate.open(native.bootTimeMs() + 300, false).done).toBe(true)
    expect(pingsAnswered(FLOATING4)).toBe(true)
    beStoppedFor(500)
    expect(pingsAnswered(FLOATING4)).toBe(false)
    expect(gate.extend(native.bootTimeMs() + 300)).toMatchObject({ refusal: 'lapsed' })
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })
})

describe('putting the gate in force', () => {
  it('prefers eBPF, shuts the address, and is not weaker', async () => {
    expect(pingsAnswered(FLOATING4)).toBe(true)
    const prepared = await prepareHere(runDir)
    expect([prepared.gate.kind, prepared.weaker]).toEqual(['ebpf', null])
    expect(pingsAnswered(FLOATING4)).toBe(false)
  })

  it('again finds what is loaded, and shuts what a crashed agent left open', async () => {
    const crashed = await prepareHere(runDir)
    expect(crashed.gate.open(native.bootTimeMs() + 4000, false).done).toBe(true)
    expect(pingsAnswered(FLOATING4)).toBe(true)
    const restarted = await prepareHere(runDir)
    if (crashed.inForce.kind !== 'ebpf' || restarted.inForce.kind !== 'ebpf') throw new Error()
    expect(restarted.inForce.inForce.loaded).toEqual({
      ...crashed.inForce.inForce.loaded,
      fresh: false,
    })
    expect(pingsAnswered(FLOATING4)).toBe(false)
    expect(crashed.gate.open(native.bootTimeMs() + 600, false).refusal).toBe('key')
  })

  it('loads a changed program in the place of the old one', async () => {
    const old = await prepareHere(runDir)
    const changed = `${runDir}/changed.o`
    must('cp', 'src/gate/gate.o', changed)
    must('sh', '-c', `printf x >> ${changed}`)
    expect(old.gate.open(native.bootTimeMs() + 4000, false).done).toBe(true)
    const prepared = await prepareGate({
      choice: 'ebpf',
      runDir,
      floatingIps: [{ address: FLOATING4, family: 4 }],
      interfaces: [SERVICE],
      leaseMs: LEASE_MS,
      door: native,
      objectFile: changed,
    })
    expect(prepared.ok).toBe(true)
    expect(pingsAnswered(FLOATING4)).toBe(false)
    expect(must('ls', `${runDir}/bpf`).match(/^[0-9a-f]{16}$/gm)?.length).toBe(1)
    expect(old.gate.query().refusal).toBeNull()
    expect(old.gate.extend(native.bootTimeMs() + 600).refusal).toBe('key')
  })

  it('guards exactly the addresses of the new configuration after a restart', async () => {
    await prepareHere(runDir)
    const loaded = await loadObject(runDir, 'src/gate/gate.o')
    if (!loaded.ok) throw new Error(loaded.reason)
    const settings = { key: Buffer.alloc(16, 1), aheadMaxMs: AHEAD_MAX_MS, slot: 0 }
    const addresses = [{ address: '10.99.0.1', family: 4 }] as const
    expect(await configureObject(loaded.value, { ...settings, addresses })).toBeNull()
    expect([pingsAnswered('10.99.0.1'), pingsAnswered(FLOATING4)]).toEqual([false, true])
  })

  it('gives no program the key as an argument', async () => {
    // Programs of the same names, first in the path, note their arguments before they begin.
    for (const name of ['bpftool', 'tc', 'nft', 'ip', 'mount']) {
      const real = must('sh', '-c', `command -v ${name}`).trim()
      const noting = `#!/bin/sh\necho ${name} "$@" >> ${runDir}/arguments\nexec ${real} "$@"\n`
      writeFileSync(`${runDir}/${name}`, noting, { mode: 0o755 })
    }
    const path = process.env['PATH']
    process.env['PATH'] = `${runDir}:${path}`
    try {
      await prepareHere(runDir)
    } finally {
      process.env['PATH'] = path
    }
    const pin = must('sh', '-c', `echo ${runDir}/bpf/*/tandem_config`).trim()
    const dumped = must('bpftool', '-j', 'map', 'dump', 'pinned', pin)
    const bytes = [...dumped.matchAll(/"0x([0-9a-f]{2})"/g)].map(([, byte]) => byte)
    // The four bytes of the map's own key come first.
    const key = bytes.slice(4, 20)
    const noted = readFileSync(`${runDir}/arguments`, 'utf8')
    expect(key.length).toBe(16)
    expect(noted).toContain('bpftool batch file -')
    expect([noted.includes(key.join(' ')), noted.includes(key.join(''))]).toEqual([false, false])
  })

  it('leaves qdiscs, filters and tables of others as they were, and so does its removal', async () => {
    must('tc', 'qdisc', 'add', 'dev', SERVICE, 'clsact')
    const other = await loadObject(runDir, 'src/gate/gate.o')
    if (!other.ok) throw new Error(other.reason)
    must(
      ...(['tc', 'filter', 'add', 'dev', SERVICE, 'ingress', 'pref', '7'] as const),
      ...['protocol', 'all', 'bpf', 'direct-action', 'object-pinned'],
      `${other.value.directory}/tandem_control`,
    )
    must('nft', 'add', 'table', 'inet', 'others')
    must('nft', 'add', 'table', 'netdev', 'others')
    const look = (): string[] => [
      must('nft', 'list', 'ruleset'),
      must('tc', 'filter', 'show', 'dev', SERVICE, 'ingress', 'pref', '7'),
      must('tc', 'qdisc', 'show', 'dev', SERVICE),
    ]
    const before = look()
    await prepareHere(runDir)
    expect(look()).toEqual(before)
    await prepareHere(runDir, 'nftables')
    expect(look().slice(1)).toEqual(before.slice(1))
    expect(await removeGate(runDir)).toEqual([])
    expect(look()).toEqual(before)
  })

  it('falls back with a reason when an ingress qdisc of somebody else is there', async () => {
    must('tc', 'qdisc', 'add', 'dev', SERVICE, 'ingress')
    const { gate, weaker } = await prepareHere(runDir)
    expect(gate.kind).toBe('nftables')
    expect(weaker).toMatch(
      /^the nftables gate cannot refuse a late command: .*\(ebpf: svc0 has an ingress qdisc/,
    )
    expect(must('tc', 'qdisc', 'show', 'dev', SERVICE)).toContain('qdisc ingress')
  })

  it('takes its own filters away when it falls back, also where bpftool is gone', async () => {
    await prepareHere(runDir, 'ebpf')
    writeFileSync(`${runDir}/bpftool`, '#!/bin/sh\nexit 127\n', { mode: 0o755 })
    const path = process.env['PATH']
    process.env['PATH'] = `${runDir}:${path}`
    try {
      const { gate, weaker } = await prepareHere(runDir, 'lifetime')
      expect([gate.kind, weaker]).toEqual([
        'lifetime',
        'no gate in the kernel: an agent that is stopped or hangs goes on serving until the ' +
          'lifetime of its addresses ends, up to 2.5 s, and the peer cannot see an occupation',
      ])
    } finally {
      process.env['PATH'] = path
    }
    expect(pingsAnswered(FLOATING4)).toBe(true)
    expect(must('tc', 'filter', 'show', 'dev', 'lo', 'egress')).toBe('')
  })

  it('refuses a named kind that cannot be had, and leaves nothing behind', async () => {
    must('tc', 'qdisc', 'add', 'dev', SERVICE, 'clsact')
    const other = await loadObject(runDir, 'src/gate/gate.o')
    if (!other.ok) throw new Error(other.reason)
    must(
      ...(['tc', 'filter', 'add', 'dev', SERVICE, 'egress', 'pref', '1'] as const),
      ...['handle', '9', 'protocol', 'all', 'bpf', 'direct-action', 'object-pinned'],
      `${other.value.directory}/tandem_control`,
    )
    await expect(prepareHere(runDir, 'ebpf')).rejects.toThrow(
      /^no gate could be had: ebpf: svc0 egress: filter pref 1 bpf .* stands before the gate$/,
    )
    expect(must('tc', 'filter', 'show', 'dev', SERVICE, 'ingress')).toBe('')
    expect(pingsAnswered(FLOATING4)).toBe(true)
  })
})
