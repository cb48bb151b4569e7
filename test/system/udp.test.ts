import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, it } from 'vitest'
import { openUdp, type UdpConversation, type UdpRequest } from '../../src/system/udp.ts'

const LIMIT_MS = 5000
const open: { close(): void }[] = []

afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

interface End {
  conversation: UdpConversation
  heard: string[]
  atMs: number[]
  troubles: string[]
}

function begin(localAddress: string, peerAddress: string, port: number): End {
  const end = { heard: [] as string[], atMs: [] as number[], troubles: [] as string[] }
  const request: UdpRequest = {
    family: localAddress.includes(':') ? 6 : 4,
    localAddress,
    localPort: port,
    peerAddress,
    peerPort: port,
    now: () => 4711,
    onDatagram: (bytes, atMs) => {
      end.heard.push(bytes.toString())
      end.atMs.push(atMs)
    },
    onTrouble: (code, reopening) => end.troubles.push(`${code}${reopening ? ' reopening' : ''}`),
  }
  const conversation = openUdp(request)
  open.push(conversation)
  return { conversation, ...end }
}

/** Looks every millisecond until it is so. */
async function until(holds: () => boolean): Promise<void> {
  const limitMs = performance.now() + LIMIT_MS
  while (!holds()) {
    if (performance.now() > limitMs) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

describe('a UDP conversation', () => {
  it('carries datagrams both ways and stamps them with the clock it was given', async () => {
    const a = begin('127.81.0.1', '127.81.0.2', 17811)
    const b = begin('127.81.0.2', '127.81.0.1', 17811)
    await until(() => a.conversation.isOpen && b.conversation.isOpen)
    expect(a.conversation.send(Buffer.from('to b'))).toBe(true)
    expect(b.conversation.send(Buffer.from('to a'))).toBe(true)
    await until(() => a.heard.length + b.heard.length === 2)
    expect([a.heard, b.heard, a.atMs]).toEqual([['to a'], ['to b'], [4711]])
  })

  it('does not hear another address or another port of the peer', async () => {
    const a = begin('127.81.0.1', '127.81.0.2', 17812)
    const b = begin('127.81.0.2', '127.81.0.1', 17812)
    await until(() => a.conversation.isOpen && b.conversation.isOpen)
    for (const address of ['127.81.0.3', '127.81.0.2']) {
      const stranger = createSocket('udp4')
      open.push(stranger)
      await new Promise<void>((resolve) => stranger.bind({ address, port: 0 }, resolve))
      await new Promise((resolve) => stranger.send('noise', 17812, '127.81.0.1', resolve))
    }
    b.conversation.send(Buffer.from('voice'))
    await until(() => a.heard.length > 0)
    expect(a.heard).toEqual(['voice'])
  })

  it('goes on when the peer is not running, and carries when it comes', async () => {
    const a = begin('127.81.0.1', '127.81.0.2', 17813)
    await until(() => a.conversation.isOpen)
    a.conversation.send(Buffer.from('nobody there'))
    await until(() => a.troubles.length > 0)
    expect(a.troubles).toEqual(['ECONNREFUSED'])
    const b = begin('127.81.0.2', '127.81.0.1', 17813)
    await until(() => b.conversation.isOpen)
    expect(a.conversation.send(Buffer.from('hello'))).toBe(true)
    await until(() => b.heard.length > 0)
    expect(b.heard).toEqual(['hello'])
  })

  it('opens again by itself once the port is free, and only counts what it could not send', async () => {
    const squatter = createSocket('udp4')
    await new Promise<void>((resolve) =>
      squatter.bind({ address: '127.81.0.1', port: 17814 }, resolve),
    )
    const a = begin('127.81.0.1', '127.81.0.2', 17814)
    await until(() => a.troubles.length >= 2)
    expect(new Set(a.troubles)).toEqual(new Set(['EADDRINUSE reopening']))
    expect(a.conversation.send(Buffer.from('lost'))).toBe(false)
    squatter.close()
    await until(() => a.conversation.isOpen)
    expect(a.conversation.send(Buffer.from('sent'))).toBe(true)
  })

  it('opens again as long as its address is not on the machine', async () => {
    const a = begin('192.0.2.77', '192.0.2.78', 17815)
    await until(() => a.troubles.length >= 2)
    expect(new Set(a.troubles)).toEqual(new Set(['EADDRNOTAVAIL reopening']))
    expect(a.conversation.isOpen).toBe(false)
  })

  it('is silent once it is closed, however often', async () => {
    const a = begin('127.81.0.1', '127.81.0.2', 17816)
    await until(() => a.conversation.isOpen)
    a.conversation.close()
    a.conversation.close()
    expect(a.conversation.send(Buffer.from('late'))).toBe(false)
    expect(a.troubles).toEqual([])
  })

  it('speaks IPv6 too', async () => {
    const a = begin('::1', '::1', 17817)
    await until(() => a.conversation.isOpen)
    a.conversation.send(Buffer.from('six'))
    await until(() => a.heard.length > 0)
    expect(a.heard).toEqual(['six'])
  })
})
