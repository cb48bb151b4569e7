/**
 * Goal: the native door does what its docstrings promise, on a real kernel. Method: two hosts in
 * network namespaces; what we did is looked at with the system's own tools.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ADDRESS_FLAGS, errorCode, native, type PacketSocket } from '../../src/system/native.ts'
import { decodeArp, encodeArpProbe } from '../../src/wire/arp.ts'
import { decodeNeighbour, encodeNeighbourProbe } from '../../src/wire/neighbour.ts'
import {
  addLink,
  buildHosts,
  FAR_DEVICE,
  FAR_MAC,
  far,
  farCode,
  NEAR_DEVICE,
  NEAR_MAC,
  near,
  removeHosts,
  settle,
  until,
} from '../helpers/address-lab.ts'

const ADD_ON = join(import.meta.dirname, '../../src/system/native/build/Release/tandem.node')
const directory = mkdtempSync(join(tmpdir(), 'tandem-native-'))

beforeAll(buildHosts)
afterAll(() => {
  removeHosts()
  rmSync(directory, { recursive: true })
})

const nearIndex = (): number => native.linkState(NEAR_DEVICE)?.index ?? -1

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'no error'
  } catch (error) {
    return errorCode(error)
  }
}

describe('the process', () => {
  test('both clocks agree with the ones of Node and of the kernel', () => {
    const beforeNs = native.bootTimeNs()
    const ms = native.bootTimeMs()
    const afterNs = native.bootTimeNs()
    expect(ms).toBeGreaterThanOrEqual(Number(beforeNs / 1000n) / 1000)
    expect(ms).toBeLessThanOrEqual(Number(afterNs / 1000n + 1n) / 1000)
    const before = process.hrtime.bigint()
    const monotonic = native.monotonicNs()
    expect(monotonic).toBeGreaterThanOrEqual(before)
    expect(monotonic).toBeLessThanOrEqual(process.hrtime.bigint())
  })

  test('only the calling thread becomes real-time, and nothing it starts inherits that', async () => {
    const policyOf = (stat: string): number =>
      Number(stat.slice(stat.lastIndexOf(')')).split(' ')[39])
    native.setRealtime(3)
    try {
      expect(native.schedulingClass()).toEqual({ policy: 'rr', priority: 3 })
      expect(policyOf(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }))).toBe(0)
      const script = `require('node:worker_threads').parentPort.postMessage(require(${JSON.stringify(ADD_ON)}).schedulingClass())`
      const worker = new Worker(script, { eval: true })
      const answer = await new Promise((resolve) => worker.once('message', resolve))
      expect(answer).toEqual({ policy: 'other', priority: 0 })
    } finally {
      native.setNormal()
    }
    expect(native.schedulingClass()).toEqual({ policy: 'other', priority: 0 })
  })

  test('an impossible priority is refused with a code', () => {
    expect(codeOf(() => native.setRealtime(1000))).toBe('EINVAL')
  })

  test('the engine lives on with its program locked in memory', () => {
    // In a process of its own: locking the heap as well would kill it, not throw.
    const script = `
      const locked = require(${JSON.stringify(ADD_ON)}).lockMemory()
      let keep
      for (let round = 0; round < 20; round += 1) {
        keep = Array.from({ length: 100000 }, (_, index) => ({ index, text: 'x' + index }))
      }
      console.log(locked > 20e6, keep.length)`
    const ended = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect([ended.stdout, ended.status]).toEqual(['true 100000\n', 0])
  })

  test('a lock file has one holder at a time', () => {
    const path = join(directory, 'lock')
    expect(native.lockFile(path)).toBe(true)
    expect(native.lockFile(path)).toBe(false)
    expect(spawnSync('flock', ['-n', path, 'true']).status).toBe(1)
    expect(codeOf(() => native.lockFile('/nonexistent/lock'))).toBe('ENOENT')
  })

  test.each(['path', 'abstract name'])('the service manager hears us at its %s', async (kind) => {
    const path = kind === 'path' ? join(directory, 'notify') : `@tandem-test-${process.pid}`
    const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', '\\0'))
print('ready', flush=True)
print(s.recv(100).decode(), flush=True)`
    const listener = spawn('python3', ['-c', script, path])
    let heard = ''
    listener.stdout.on('data', (chunk) => {
      heard += chunk
    })
    await until('the listener is ready', () => heard === 'ready\n')
    native.sdNotify(path, 'READY=1\nSTATUS=ok')
    await until('it has heard us', () => heard.length > 7)
    expect(heard).toBe('ready\nREADY=1\nSTATUS=ok\n')
  })

  test('a service manager that is not there is an error', () => {
    expect(codeOf(() => native.sdNotify(join(directory, 'nobody'), 'READY=1'))).toBe('ENOENT')
  })
})

describe('the control datagram of the gate', () => {
  test('it comes back as itself where nothing changes it', () => {
    const fd = native.gateOpen()
    const command = Buffer.from(Array.from({ length: 96 }, (_, index) => index))
    expect(native.gateExchange(fd, command, 50)).toBe(true)
    expect([...command]).toEqual(Array.from({ length: 96 }, (_, index) => index))
    native.fdClose(fd)
    expect(codeOf(() => native.fdClose(fd))).toBe('EBADF')
  })

  test('one that is lost is given up in time, and the buffer stays as it was', () => {
    near(
      'nft',
      'add table inet lose; add chain inet lose in { type filter hook input priority 0; }',
    )
    near('nft', 'add rule inet lose in ip daddr 127.71.0.1 drop')
    const fd = native.gateOpen()
    const command = Buffer.alloc(96, 5)
    const startedMs = native.bootTimeMs()
    expect(native.gateExchange(fd, command, 20)).toBe(false)
    const tookMs = native.bootTimeMs() - startedMs
    near('nft', 'delete table inet lose')
    expect(tookMs).toBeGreaterThanOrEqual(20)
    expect(tookMs).toBeLessThan(60)
    expect(command.equals(Buffer.alloc(96, 5))).toBe(true)
    expect(native.gateExchange(fd, command, 50)).toBe(true)
    native.fdClose(fd)
  })

  test('another size and another kind of argument are our mistakes', () => {
    expect(() => native.gateExchange(0, Buffer.alloc(95), 1)).toThrow(TypeError)
    expect(() => native.gateExchange(0, 'text' as unknown as Buffer, 1)).toThrow(TypeError)
  })
})

describe('links', () => {
  test('a link is told as the kernel sees it', () => {
    const index = Number(near('ip', '-o', 'link', 'show', NEAR_DEVICE).split(':')[0])
    expect(native.linkState(NEAR_DEVICE)).toEqual({
      index,
      mac: NEAR_MAC,
      ethernet: true,
      up: true,
      carrier: true,
      mtu: 1500,
    })
    expect(native.linkNames().sort()).toEqual(['lo', NEAR_DEVICE].sort())
  })

  test('a carrier that is lost is known at once, not when the kernel gets round to telling', () => {
    far('ip', 'link', 'set', FAR_DEVICE, 'down')
    expect(native.carrier(NEAR_DEVICE)).toBe(false)
    expect(native.linkState(NEAR_DEVICE)).toMatchObject({ up: true, carrier: false })
    far('ip', 'link', 'set', FAR_DEVICE, 'up')
    expect(native.carrier(NEAR_DEVICE)).toBe(true)
    far('ip', 'address', 'add', 'fd98::2/64', 'dev', FAR_DEVICE, 'nodad')
  })

  test('an interface that is not there has no state and no carrier', () => {
    for (const name of ['nope', '', 'x'.repeat(16), 'x'.repeat(200)]) {
      expect([native.linkState(name), native.carrier(name)]).toEqual([null, false])
    }
  })
})

describe('addresses', () => {
  const request = {
    family: 4,
    address: '10.98.0.50',
    prefixLength: 24,
    label: `${NEAR_DEVICE}:0`,
    validSeconds: 60,
    connectedRoute: false,
  } as const
  const listed = (address: string) =>
    native.addressList().filter((entry) => entry.address === address)

  afterEach(() => {
    near('ip', 'address', 'flush', 'dev', NEAR_DEVICE, 'to', '10.98.0.50')
    near('ip', '-6', 'address', 'flush', 'dev', NEAR_DEVICE, 'to', 'fd98::50')
  })

  test('an IPv4 address is set with label and lifetime, and set again without harm', () => {
    const interfaceIndex = nearIndex()
    native.addressReplace({ ...request, interfaceIndex })
    native.addressReplace({ ...request, interfaceIndex, validSeconds: 90 })
    expect(listed('10.98.0.50')).toEqual([
      {
        interfaceIndex,
        family: 4,
        address: '10.98.0.50',
        prefixLength: 24,
        label: `${NEAR_DEVICE}:0`,
        validSeconds: 90,
        flags: ADDRESS_FLAGS.secondary | ADDRESS_FLAGS.noPrefixRoute,
      },
    ])
    native.addressReplace({ ...request, interfaceIndex, validSeconds: 0 })
    expect(listed('10.98.0.50')[0]?.validSeconds).toBeNull()
  })

  test('an IPv6 address answers at once and is not what the host sends from', () => {
    const interfaceIndex = nearIndex()
    const address = { ...request, family: 6, address: 'fd98::50', prefixLength: 64 } as const
    native.addressReplace({ ...address, interfaceIndex })
    const { noDuplicateDetection, deprecated, noPrefixRoute } = ADDRESS_FLAGS
    expect(listed('fd98::50')).toEqual([
      {
        interfaceIndex,
        family: 6,
        address: 'fd98::50',
        prefixLength: 64,
        label: null,
        validSeconds: 60,
        flags: noDuplicateDetection | deprecated | noPrefixRoute,
      },
    ])
    expect(farCode('ping', '-n', '-c', '1', '-W', '1', 'fd98::50')).toBe(0)
    expect(near('ip', '-6', 'route', 'get', 'fd98::2')).toContain('src fd98::1 ')
    // What it would be otherwise: the newest address wins.
    near('ip', 'address', 'change', 'fd98::50/64', 'dev', NEAR_DEVICE, 'preferred_lft', 'forever')
    expect(near('ip', '-6', 'route', 'get', 'fd98::2')).toContain('src fd98::50 ')
  })

  test('the kernel removes an address by itself when its lifetime ends', async () => {
    native.addressReplace({ ...request, interfaceIndex: nearIndex(), validSeconds: 1 })
    const startedMs = native.bootTimeMs()
    await until('it is gone', () => listed('10.98.0.50').length === 0)
    expect(native.bootTimeMs() - startedMs).toBeGreaterThan(990)
  })

  test('an address is removed once and was absent the second time', () => {
    const interfaceIndex = nearIndex()
    native.addressReplace({ ...request, interfaceIndex })
    expect(native.addressRemove({ ...request, interfaceIndex })).toBe(true)
    expect(native.addressRemove({ ...request, interfaceIndex })).toBe(false)
    expect(listed('10.98.0.50')).toEqual([])
  })

  test('a missing interface and a nonsensical address are told apart', () => {
    expect(codeOf(() => native.addressReplace({ ...request, interfaceIndex: 9999 }))).toBe('ENODEV')
    expect(codeOf(() => native.addressRemove({ ...request, interfaceIndex: 9999 }))).toBe('ENODEV')
    const wrong = { ...request, interfaceIndex: nearIndex() }
    expect(() => native.addressReplace({ ...wrong, address: 'fd98::50' })).toThrow(TypeError)
    expect(() => native.addressReplace({ ...wrong, prefixLength: 33 })).toThrow(TypeError)
  })

  test('a refusal carries the kernel’s own words', () => {
    const wrong = { ...request, family: 6, address: 'ff02::50', label: null } as const
    const set = () => native.addressReplace({ ...wrong, interfaceIndex: nearIndex() })
    expect(set).toThrow(/^\w+: .*, RTM_NEWADDR ff02::50\/24 on interface \d+: .+/)
  })

  test('hundreds of addresses are listed whole', () => {
    const lines = Array.from(
      { length: 600 },
      (_, index) => `address add 10.97.${index >> 8}.${index & 255}/32 dev ${NEAR_DEVICE}`,
    )
    execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') })
    const found = native.addressList().filter(({ address }) => address.startsWith('10.97.'))
    near('ip', 'address', 'flush', 'dev', NEAR_DEVICE, 'to', '10.97.0.0/16')
    expect(new Set(found.map(({ address }) => address)).size).toBe(600)
  })
})

/** One ARP request for somebody else, as soon as the program has started. */
const farAsks = (): number =>
  farCode('timeout', '0.15', 'arping', '-q', '-c', '1', '-I', FAR_DEVICE, '10.98.0.77')

describe('packet sockets', () => {
  const sockets: PacketSocket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close()
  })
  function listen(protocol: 'arp' | 'ipv6-nd'): { socket: PacketSocket; frames: Buffer[] } {
    const frames: Buffer[] = []
    const socket = native.packetOpen({ interfaceIndex: nearIndex(), protocol }, (frame) => {
      frames.push(frame)
    })
    sockets.push(socket)
    return { socket, frames }
  }

  test('others’ ARP is heard, and neither our own frames nor other traffic', async () => {
    const { socket, frames } = listen('arp')
    socket.send(encodeArpProbe({ mac: NEAR_MAC, address: '10.98.0.99' }))
    expect(farCode('ping', '-n', '-c', '1', '-W', '1', 'fd98::1')).toBe(0)
    farAsks()
    await settle()
    expect(frames.map(decodeArp)).toEqual([
      {
        kind: 'request',
        senderMac: FAR_MAC,
        senderAddress: '10.98.0.2',
        targetAddress: '10.98.0.77',
      },
    ])
  })

  test('a probe of ours is answered by the one who has the address', async () => {
    const { socket, frames } = listen('arp')
    socket.send(encodeArpProbe({ mac: NEAR_MAC, address: '10.98.0.2' }))
    await until('the answer', () => frames.length === 1)
    expect(decodeArp(frames[0] as Buffer)).toEqual({
      kind: 'reply',
      senderMac: FAR_MAC,
      senderAddress: '10.98.0.2',
      targetAddress: '0.0.0.0',
    })
  })

  test('an IPv6 probe of ours is answered by the one who has the address', async () => {
    const { socket, frames } = listen('ipv6-nd')
    socket.send(encodeNeighbourProbe({ mac: NEAR_MAC, address: 'fd98::2' }))
    // The far kernel may be busy with its link-local address as well.
    const answers = () =>
      frames.map(decodeNeighbour).filter((message) => message?.targetAddress === 'fd98::2')
    await until('the answer', () => answers().length > 0)
    expect(answers()).toEqual([
      {
        kind: 'announcement',
        senderMac: FAR_MAC,
        senderAddress: 'fd98::2',
        targetAddress: 'fd98::2',
      },
    ])
  })

  test('frames of a VLAN are not those of the interface below it', async () => {
    const { frames } = listen('arp')
    const tagged = Buffer.concat([
      Buffer.from('ffffffffffff02005e000002', 'hex'),
      Buffer.from('81000007', 'hex'),
      encodeArpProbe({ mac: FAR_MAC, address: '10.98.0.99' }).subarray(12),
    ])
    const script = `
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('${FAR_DEVICE}', 0))
s.send(bytes.fromhex('${tagged.toString('hex')}'))
s.send(bytes.fromhex('${encodeArpProbe({ mac: FAR_MAC, address: '10.98.0.98' }).toString('hex')}'))`
    far('python3', '-c', script)
    await until('the frame without tag', () => frames.length > 0)
    await settle()
    expect(frames.map((frame) => decodeArp(frame)?.targetAddress)).toEqual(['10.98.0.98'])
  })

  test('nothing is heard after closing, and a second closing does no harm', async () => {
    const { socket, frames } = listen('arp')
    socket.close()
    socket.close()
    farAsks()
    await settle()
    expect(frames).toEqual([])
    expect(() => socket.send(Buffer.alloc(42))).toThrow('packet socket is closed')
  })

  test('it is heard again on an interface that was down for a moment', async () => {
    const { frames } = listen('arp')
    near('ip', 'link', 'set', NEAR_DEVICE, 'down')
    near('ip', 'link', 'set', NEAR_DEVICE, 'up')
    near('ip', 'address', 'replace', 'fd98::1/64', 'dev', NEAR_DEVICE, 'nodad')
    await until('the link is up', () => native.carrier(NEAR_DEVICE))
    await settle(20)
    farAsks()
    await until('a frame', () => frames.length > 0)
  })

  test('sending on an interface that is down or gone is an error with a code', async () => {
    const { socket } = listen('arp')
    const frame = encodeArpProbe({ mac: NEAR_MAC, address: '10.98.0.99' })
    near('ip', 'link', 'set', NEAR_DEVICE, 'down')
    expect(codeOf(() => socket.send(frame))).toBe('ENETDOWN')
    near('ip', 'link', 'delete', NEAR_DEVICE)
    expect(['ENXIO', 'ENETDOWN', 'ENODEV']).toContain(codeOf(() => socket.send(frame)))
    expect(codeOf(() => native.packetOpen({ interfaceIndex: 0, protocol: 'arp' }, () => {}))).toBe(
      'ENODEV',
    )
    await settle(20)
    addLink()
  })

  test('a worker that ends with its socket open takes nothing down with it', async () => {
    const script = `
      const addOn = require(${JSON.stringify(ADD_ON)})
      const { parentPort } = require('node:worker_threads')
      addOn.packetOpen(${nearIndex()}, 'arp', (frame) => parentPort.postMessage(frame.length))
      parentPort.postMessage('open')`
    const worker = new Worker(script, { eval: true })
    const heard: unknown[] = []
    worker.on('message', (message) => heard.push(message))
    await until('it listens', () => heard.length === 1)
    farAsks()
    await until('it has heard', () => heard.length >= 2)
    expect(await worker.terminate()).toBe(1)
    expect(heard.slice(0, 2)).toEqual(['open', 42])
    expect(readFileSync('/proc/net/packet', 'utf8').trim().split('\n')).toHaveLength(1)
    // And this thread's own copy of the add-on goes on.
    expect(createRequire(import.meta.url)(ADD_ON).bootTimeMs()).toBeGreaterThan(0)
  })
})
