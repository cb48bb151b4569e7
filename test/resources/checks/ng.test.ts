// Goal: a pong is well, an offered call is always deleted, and what rtpengine cannot do is told plainly.
// Method: a stand-in for rtpengine's ng port on loopback that keeps its calls in a set.
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Bencode,
  decodeBencode,
  encodeBencode,
} from '../../../src/resources/checks/bencode.ts'
import { checkOf, runOnce, whyOf } from '../../helpers/check-case.ts'
import { closedPort, closeStandIns, openSockets, udpStandIn } from '../../helpers/stand-in.ts'

afterEach(closeStandIns)

type Command = ReadonlyMap<string, Bencode>
type Answer = Record<string, string | number>

const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.50\r\nc=IN IP4 10.0.0.50\r\nm=audio 30012 RTP/AVP 0\r\n'

interface Relay {
  port: number
  /** Calls that it holds. */
  calls: Set<string>
  /** Names of the commands that came. */
  commands: string[]
  last: () => Command
}

/** Null as the answer to a command: silence. Undefined: what rtpengine does. */
async function relay(
  special: (
    name: string,
    command: Command,
    cookie: string,
  ) => Answer | null | undefined | Promise<null | Answer> = () => undefined,
): Promise<Relay> {
  const calls = new Set<string>()
  const commands: string[] = []
  let last: Command = new Map()
  const { port } = await udpStandIn(async (request) => {
    const blank = request.indexOf(' ')
    const cookie = request.subarray(0, blank).toString()
    const command = decodeBencode(request.subarray(blank + 1)) as Command
    const name = String(command.get('command'))
    commands.push(name)
    last = command
    const told = await special(name, command, cookie)
    if (told === null) return []
    const answer = told ?? usual(name, String(command.get('call-id')), calls)
    return [`${cookie} ${encodeBencode(new Map(Object.entries(answer)))}`]
  })
  return { port, calls, commands, last: () => last }
}

function usual(name: string, id: string, calls: Set<string>): Answer {
  if (name === 'ping') return { result: 'pong' }
  if (name === 'offer') {
    calls.add(id)
    return { result: 'ok', sdp: SDP }
  }
  return calls.delete(id)
    ? { result: 'ok' }
    : { result: 'ok', warning: "Call-ID not found or tags didn't match" }
}

const target = (port: number): string => `rtpengine at 127.0.0.1:${port}`

describe('a ping', () => {
  test('that is answered is well, and nothing else is asked', async () => {
    const { port, commands } = await relay()
    expect(await whyOf(`ng 127.0.0.1:${port}`)).toBeNull()
    expect(commands).toEqual(['ping'])
  })

  test('with another answer says which', async () => {
    const { port } = await relay(() => ({
      result: 'error',
      'error-reason': 'Unrecognized command',
    }))
    expect(await whyOf(`ng 127.0.0.1:${port}`)).toBe(
      `${target(port)}: expected a pong, came "error Unrecognized command"`,
    )
  })

  test.each<[string, (cookie: string) => string]>([
    ['the answer to somebody else', (cookie) => `${'x'.repeat(cookie.length)} d6:result4:ponge`],
    ['a longer cookie', (cookie) => `${cookie}x d6:result4:ponge`],
    ['no cookie', () => 'd6:result4:ponge'],
    ['half an answer', (cookie) => `${cookie} d6:result4:po`],
    ['no result', (cookie) => `${cookie} d4:pong4:ponge`],
    ['no dictionary', (cookie) => `${cookie} 4:pong`],
    ['garbage', () => '\0\u00ff\u0001'],
    ['nothing in it', () => ''],
  ])('is not answered by %s', async (_name, make) => {
    const { port } = await udpStandIn((request) => [make(request.toString().split(' ')[0]!)])
    expect(await whyOf(`ng 127.0.0.1:${port}`, 150)).toMatch(
      /expected a pong, no answer within 150 ms; what came was "/,
    )
  })

  test('to a closed port fails at once and leaves no socket', async () => {
    const before = await openSockets()
    const { port } = await closedPort('udp')
    const { why, durationMs } = await runOnce(checkOf(`ng 127.0.0.1:${port} offer`), 5_000)
    expect(why).toBe(
      `${target(port)}: expected a pong, the port is closed, nobody listens on 127.0.0.1:${port}`,
    )
    expect(durationMs).toBeLessThan(500)
    expect(await openSockets()).toBe(before)
  })
})

describe('an offered call', () => {
  test('is allocated and deleted under an id of our own, and stays out of Redis', async () => {
    const offers: Command[] = []
    const standIn = await relay((name, command) => {
      if (name === 'offer') offers.push(command)
      return undefined
    })
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    for (let count = 0; count < 2; count += 1) expect((await runOnce(check)).why).toBeNull()
    check.close()
    // The first delete is for what an agent that was killed may have left.
    expect(standIn.commands).toEqual([
      'ping',
      'delete',
      'offer',
      'delete',
      'ping',
      'offer',
      'delete',
    ])
    expect(standIn.calls).toEqual(new Set())
    expect(offers[0]!.get('call-id')).toBe(`tandem-check@${hostname()}:${standIn.port}`)
    expect(offers[0]!.get('flags')).toEqual(['no-redis-update'])
    expect(standIn.last().get('call-id')).toBe(offers[1]!.get('call-id'))
    expect(standIn.last().get('delete delay')).toBe(0)
  })

  test('touches no other call', async () => {
    const standIn = await relay()
    standIn.calls.add('theirs')
    expect(await whyOf(`ng 127.0.0.1:${standIn.port} offer`)).toBeNull()
    expect(standIn.calls).toEqual(new Set(['theirs']))
  })

  test('that finds no port says what to look at', async () => {
    const standIn = await relay((name) =>
      name === 'offer' ? { result: 'error', 'error-reason': 'Ran out of ports' } : undefined,
    )
    expect(await whyOf(`ng 127.0.0.1:${standIn.port} offer`)).toBe(
      `${target(standIn.port)}: it answers, but cannot take a call: "Ran out of ports" (its address is not on this host and net.ipv4.ip_nonlocal_bind, or the one of ipv6, is not 1; or all ports are in use)`,
    )
    expect(standIn.commands.at(-1)).toBe('delete')
  })

  test.each<[Answer, string]>([
    [
      { result: 'error', 'error-reason': 'Failed to parse SDP' },
      'came "error Failed to parse SDP"',
    ],
    [{ result: 'ok' }, 'came ""'],
    [{ result: 'ok', sdp: 'm=audio 0 RTP/AVP 0\r\n' }, 'came "m=audio 0 RTP/AVP 0"'],
  ])('that is answered by %j is a failure, and is deleted', async (answer, came) => {
    const standIn = await relay((name) => (name === 'offer' ? answer : undefined))
    expect(await whyOf(`ng 127.0.0.1:${standIn.port} offer`)).toBe(
      `${target(standIn.port)}: expected a port for an offered call, ${came}`,
    )
    expect(standIn.commands.at(-1)).toBe('delete')
  })

  test('that is refused for limits of its own is told and no failure', async () => {
    const standIn = await relay((name) =>
      name === 'offer'
        ? { result: 'load limit', message: 'Parallel session limit reached' }
        : undefined,
    )
    const { ok, why } = await runOnce(checkOf(`ng 127.0.0.1:${standIn.port} offer`))
    expect({ ok, why }).toEqual({
      ok: true,
      why: `${target(standIn.port)}: it refuses new calls for its own limits: "Parallel session limit reached"`,
    })
  })

  test('whose answer comes late is deleted behind it, in the same run', async () => {
    const standIn = await relay(async (name, command) => {
      if (name !== 'offer') return usual(name, String(command.get('call-id')), standIn.calls)
      // The call is there, its answer is not.
      usual(name, String(command.get('call-id')), standIn.calls)
      await sleep(400)
      return { result: 'ok', sdp: SDP }
    })
    expect(await whyOf(`ng 127.0.0.1:${standIn.port} offer`, 300)).toMatch(
      /expected a port for an offered call, no answer within 300 ms/,
    )
    expect(standIn.calls).toEqual(new Set())
  })

  test('at a relay that was frozen is deleted by the next run, before another is made', async () => {
    let frozen = false
    const standIn = await relay(async (name, command) => {
      if (name === 'offer' && standIn.commands.filter((found) => found === 'offer').length === 1) {
        frozen = true
      }
      if (!frozen) return usual(name, String(command.get('call-id')), standIn.calls)
      if (name === 'offer') standIn.calls.add(String(command.get('call-id')))
      return null
    })
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    expect((await runOnce(check)).ok).toBe(false)
    expect(standIn.calls.size).toBe(1)
    const asked = standIn.commands.length
    frozen = false
    expect((await runOnce(check)).why).toBeNull()
    expect(standIn.commands.slice(asked)).toEqual(['ping', 'delete', 'offer', 'delete'])
    expect(standIn.calls).toEqual(new Set())
  })

  test('that comes to be after its delete is deleted by the next run', async () => {
    const standIn = await relay(async (name, command) => {
      if (name !== 'offer' || standIn.commands.filter((one) => one === 'offer').length > 1) {
        return usual(name, String(command.get('call-id')), standIn.calls)
      }
      await sleep(250)
      return usual(name, String(command.get('call-id')), standIn.calls)
    })
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    expect((await runOnce(check, 300)).ok).toBe(false)
    await sleep(50)
    expect(standIn.calls.size).toBe(1)
    const asked = standIn.commands.length
    expect((await runOnce(check)).why).toBeNull()
    expect(standIn.commands.slice(asked)).toEqual(['ping', 'delete', 'offer', 'delete'])
    expect(standIn.calls).toEqual(new Set())
  })

  test('that cannot be deleted is told, and no second one is made', async () => {
    const standIn = await relay((name, command) =>
      name === 'delete' && standIn.calls.has(String(command.get('call-id'))) ? null : undefined,
    )
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    expect((await runOnce(check, 200)).why).toBe(
      `${target(standIn.port)}: expected the call to be deleted, no answer within 200 ms`,
    )
    expect((await runOnce(check, 200)).why).toBe(
      `${target(standIn.port)}: expected our last call to be deleted, no answer within 200 ms`,
    )
    expect(standIn.commands.filter((name) => name === 'offer')).toHaveLength(1)
  })

  test('that may have been left is deleted when the probe is closed between two runs', async () => {
    let frozen = true
    const standIn = await relay((name, command) => {
      if (name === 'offer') standIn.calls.add(String(command.get('call-id')))
      return frozen && name !== 'ping' && standIn.calls.size > 0 ? null : undefined
    })
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    expect((await runOnce(check)).ok).toBe(false)
    expect(standIn.calls.size).toBe(1)
    frozen = false
    check.close()
    await sleep(50)
    expect(standIn.calls).toEqual(new Set())
  })

  test('that is under way when the probe is closed is deleted', async () => {
    const before = await openSockets()
    const standIn = await relay((name, command) => {
      if (name !== 'offer') return undefined
      standIn.calls.add(String(command.get('call-id')))
      return null
    })
    const check = checkOf(`ng 127.0.0.1:${standIn.port} offer`)
    const running = runOnce(check, 60_000)
    while (standIn.calls.size === 0) await sleep(5)
    check.close()
    expect((await running).ok).toBe(false)
    await sleep(50)
    expect(standIn.calls).toEqual(new Set())
    await closeStandIns()
    expect(await openSockets()).toBe(before)
  })
})
