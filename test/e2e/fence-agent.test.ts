/**
 * Goal: a machine is switched off, and looked at, through the agents that Debian has, and whatever such an agent does
 * wrong is a sentence without a secret. Method: Debian's own `fence_dummy`, whose machine is a file, and an agent
 * of the tests for what that one never does.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FenceAgent } from '../../src/resources/fence-agent.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-fence-'))
const machine = join(directory, 'machine')
afterAll(() => rmSync(directory, { recursive: true }))

beforeEach(() => writeFileSync(machine, 'on'))

describe("Debian's fence_dummy", () => {
  const agent = new FenceAgent({
    ...{ agent: '/usr/sbin/fence_dummy', timeoutMs: 10_000, passwordFile: null },
    parameters: { status_file: machine },
  })

  it('is asked, told to switch off, and asked again', async () => {
    expect(await agent.monitor()).toEqual({ ok: true })
    expect(await agent.status()).toEqual({ ok: true, power: 'on' })
    expect(await agent.off()).toEqual({ ok: true })
    expect(readFileSync(machine, 'utf8')).toBe('off')
    expect(await agent.status()).toEqual({ ok: true, power: 'off' })
  }, 60_000)
})

describe('an agent that goes wrong', () => {
  const own = join(directory, 'agent')
  const secret = join(directory, 'password')
  writeFileSync(secret, 'not-to-be-seen\n', { mode: 0o600 })

  function agentOf(script: string, timeoutMs = 5_000): FenceAgent {
    writeFileSync(own, `#!/bin/sh\n${script}\n`)
    chmodSync(own, 0o755)
    return new FenceAgent({
      ...{ agent: own, timeoutMs, passwordFile: secret },
      parameters: { plug: '7' },
    })
  }

  it('is told everything on its standard input, the password too, and nothing by its arguments', async () => {
    const told = join(directory, 'told')
    expect(await agentOf(`{ echo "$#"; cat; } >'${told}'`).off()).toEqual({ ok: true })
    expect(readFileSync(told, 'utf8')).toBe('0\naction=off\nplug=7\npassword=not-to-be-seen\n')
  })

  it('repeats nothing of what it printed', async () => {
    const answer = await agentOf('cat; cat >&2; exit 1').status()
    expect(answer).toEqual({ ok: false, why: `${own}, action status: it ended with 1` })
  })

  it('is ended at its limit, and when it is not wanted any more', async () => {
    const slow = agentOf('sleep 30', 300)
    expect(await slow.off()).toEqual({
      ok: false,
      why: `${own}, action off: it did not end in time`,
    })
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 100)
    const beganMs = performance.now()
    expect((await agentOf('sleep 30', 20_000).off(stop.signal)).ok).toBe(false)
    expect(performance.now() - beganMs).toBeLessThan(5_000)
  })

  it('only means off when its status says so', async () => {
    // Done, and not the word for off.
    expect(await agentOf('exit 2').off()).toMatchObject({ ok: false })
    expect(await agentOf('exit 2').status()).toEqual({ ok: true, power: 'off' })
    expect(await agentOf('exit 3').status()).toMatchObject({ ok: false })
  })

  it('is not begun without its password', async () => {
    chmodSync(secret, 0o644)
    const answer = await agentOf(`touch '${machine}.begun'`).off()
    chmodSync(secret, 0o600)
    expect(answer).toMatchObject({ ok: false, why: expect.stringContaining(secret) })
    expect(() => readFileSync(`${machine}.begun`)).toThrow()
  })

  it('that is not installed is named', async () => {
    const none = { agent: '/usr/sbin/fence_none', timeoutMs: 1_000, passwordFile: null }
    expect(await new FenceAgent({ ...none, parameters: {} }).monitor()).toEqual({
      ok: false,
      why: '/usr/sbin/fence_none, action monitor: it is not installed',
    })
  })
})
