/**
 * Goal: the peer counts as off only when that was seen, failures are told and kept apart, a peer that is heard again
 * is spared, and the password is in no argument and no message. Method: a real program that speaks as fence agents
 * do, with a file for a machine.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FenceKeeper } from '../../../src/daemon/quorum/fence-keeper.ts'
import { FenceAgent, type FenceAgentOptions } from '../../../src/resources/fence-agent.ts'

const AGENT = join(import.meta.dirname, '../../fixtures/quorum/fence-lab')
const SECRET = 'fence-secret-7'

let directory: string
let plug: string
let broken: string
let told: boolean[]
let said: string[]
let waited: number[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fence-'))
  plug = join(directory, 'plug')
  broken = join(directory, 'broken')
  writeFileSync(plug, 'on\n')
  writeFileSync(join(directory, 'password'), `${SECRET}\n`, { mode: 0o600 })
  told = []
  said = []
  waited = []
})
afterEach(() => rmSync(directory, { recursive: true }))

function keeperWith(changes: Partial<FenceAgentOptions> = {}, more = {}): FenceKeeper {
  const power = new FenceAgent({
    ...{ agent: AGENT, timeoutMs: 10_000, passwordFile: join(directory, 'password') },
    parameters: { plug, broken, ...more },
    ...changes,
  })
  return new FenceKeeper({
    ...{ agent: AGENT, power, now: () => performance.now(), fenced: (off) => told.push(off) },
    log: (_severity, text) => said.push(text),
    wait: async (ms) => {
      waited.push(ms)
    },
  })
}

describe('the keeper of the fence', () => {
  it('tells that the peer is off when the agent did it and its status says so', async () => {
    const keeper = keeperWith()
    await keeper.fence()
    expect(readFileSync(plug, 'utf8')).toBe('off\n')
    expect(told).toEqual([true])
    expect(keeper.snapshot).toMatchObject({ power: 'off', running: false, last: { off: true } })
  })

  it('does not take the word of an agent whose machine is still on', async () => {
    const lies = join(directory, 'lies')
    const script = '#!/bin/sh\nread -r line\n[ "$line" = action=off ] && exit 0\nexit 0\n'
    writeFileSync(lies, script, { mode: 0o755 })
    const keeper = keeperWith({ agent: lies })
    await keeper.fence()
    expect(told).toEqual([false])
    expect(keeper.snapshot.last).toMatchObject({ off: false, why: 'the peer is still on' })
  })

  it('tells a failure after a second from its start, and never what the agent was told', async () => {
    writeFileSync(broken, '')
    const keeper = keeperWith()
    await keeper.fence()
    expect(told).toEqual([false])
    expect(waited).toHaveLength(1)
    expect(keeper.snapshot.last?.why).toBe(`${AGENT}, action off: it ended with 1`)
    expect(JSON.stringify([said, keeper.snapshot])).not.toContain(SECRET)
  })

  it.each([
    ['is not installed', { agent: '/nowhere/fence_x' }, 'it is not installed'],
    ['does not end', { timeoutMs: 200 }, 'it did not end in time'],
  ])('fails with an agent that %s', async (_what, changes, why) => {
    const keeper = keeperWith(changes, { delay: '5' })
    await keeper.fence()
    expect(told).toEqual([false])
    expect(keeper.snapshot.last?.why).toContain(why)
    expect(readFileSync(plug, 'utf8')).toBe('on\n')
  })

  it('fails where the password cannot be read by its owner alone', async () => {
    writeFileSync(join(directory, 'open'), SECRET, { mode: 0o644 })
    await keeperWith({ passwordFile: join(directory, 'open') }).fence()
    expect(told).toEqual([false])
    expect(said.join()).toContain('has mode 0644 instead of 0600')
  })

  it('spares a peer that is heard again', async () => {
    const keeper = keeperWith({}, { delay: '5' })
    const run = keeper.fence()
    await new Promise((resolve) => setTimeout(resolve, 300))
    keeper.spare()
    await run
    expect(told).toEqual([])
    expect(readFileSync(plug, 'utf8')).toBe('on\n')
    expect(keeper.snapshot).toMatchObject({ running: false, last: null })
  })

  it('looks before it is needed whether the fence could be used', async () => {
    const keeper = keeperWith()
    await keeper.look()
    expect(keeper.snapshot).toMatchObject({ power: 'on', trouble: null })
    const failing = keeperWith()
    writeFileSync(broken, '')
    await failing.look()
    expect(failing.snapshot).toMatchObject({ power: null, lookedMs: expect.any(Number) })
    expect(failing.snapshot.trouble).toContain('action monitor: it ended with 1')
    expect(readFileSync(plug, 'utf8')).toBe('on\n')
  })
})
