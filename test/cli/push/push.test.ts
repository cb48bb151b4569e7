/**
 * Goal: a push brings what both nodes may have alike, all of it or nothing, never over what is newer or changed
 * meanwhile, and says what it did. Method: two real directories; ssh is replaced by a call of the receiver, the
 * peer's agent by what its reload would say.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PushRequest, ReloadOutcome } from '../../../src/cli/push/exchange.ts'
import { type PushOptions, push } from '../../../src/cli/push/push.ts'
import { receive } from '../../../src/cli/push/receive.ts'
import type { AskPeer } from '../../../src/cli/push/ssh.ts'
import { capturedIo } from '../../fixtures/captured-io.ts'

const PRO = join(import.meta.dirname, '../../fixtures/config/pro')
const IN_FORCE: ReloadOutcome = {
  exitCode: 0,
  document: {
    ok: true,
    applied: ['what is asked from outside is in force'],
    changed: [],
    steps: [],
  },
}

let scratch: string
let here: string
let there: string
let reloads: number
let outcome: ReloadOutcome
let requests: PushRequest[]
let hosts: string[]
let sequence: number

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tandem-push-'))
  here = join(scratch, 'sp1')
  there = join(scratch, 'sp2')
  const key = join(scratch, 'key')
  writeFileSync(key, `1 ${'0123456789abcdef'.repeat(4)}\n`)
  chmodSync(key, 0o600)
  for (const directory of [here, there]) {
    cpSync(PRO, directory, { recursive: true })
    change(directory, 'config.yml', '/etc/tandem/key', key)
    touch(directory, 'config.yml', 1000)
  }
  reloads = 0
  outcome = IN_FORCE
  requests = []
  hosts = []
  sequence = 0
})
afterEach(() => rmSync(scratch, { recursive: true }))

function change(directory: string, name: string, from: string, to: string): void {
  const path = join(directory, name)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
  writeFileSync(path, text.replaceAll(from, to))
}

function touch(directory: string, name: string, seconds: number): void {
  utimesSync(join(directory, name), 1_700_000_000 + seconds, 1_700_000_000 + seconds)
}

function textOf(directory: string, name: string): string | null {
  const path = join(directory, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

const answer = (text: string, directory = there, node = 'sp2') =>
  receive(text, {
    ...{ directory, node, etcDirectory: scratch, interfaceExists: () => true },
    lockFile: () => true,
    reload: async () => {
      reloads += 1
      return outcome
    },
    newId: () => `set-${++sequence}`,
  })

const ask: AskPeer = async (host, request) => {
  hosts.push(host)
  requests.push(request)
  return { ok: true, host, answer: await answer(JSON.stringify(request)) }
}

async function pushed(options: Partial<PushOptions> = {}, door: AskPeer = ask) {
  const io = capturedIo()
  const places = { configDir: here, stateDir: scratch, runDir: scratch, node: 'sp1' }
  const exitCode = await push(
    {
      ...{ places, limitMs: 5000, asJson: false, dryRun: false, force: false, shown: null },
      ...options,
    },
    io,
    {
      ask: door,
      etcDirectory: scratch,
      lockFile: () => true,
      isExcepted: (_config, path) => /constants|own/.test(path),
    },
  )
  return { exitCode, out: io.out, err: io.err }
}

function changeHere(): void {
  change(here, 'config.yml', 'timing: fast', 'timing: fast\n  outside_checks: process')
  touch(here, 'config.yml', 2000)
}

describe('tandem config push', () => {
  it('says that nothing differs, and asks over the crosslink', async () => {
    const { exitCode, out } = await pushed()
    expect([exitCode, out]).toEqual([0, '3 files are alike on both nodes; nothing was changed\n'])
    expect([hosts, reloads]).toEqual([['192.168.255.252'], 0])
  })

  it('brings what differs, has the peer reload, and says where the old files are', async () => {
    changeHere()
    writeFileSync(join(here, 'config.d/new.yml'), 'site: {a: 1}\n')
    writeFileSync(join(here, 'config.sp2.yml'), 'not: ours\n')
    writeFileSync(join(here, 'config.local.yml'), 'site: {here: 1}\n')
    change(here, 'constants.yml', '\n', '\n# may differ\n')
    writeFileSync(join(there, 'config.d/own.yml'), 'site: {own: 1}\n')
    writeFileSync(join(there, 'config.d/README'), 'of theirs\n')
    const { exitCode, out, err } = await pushed()
    expect([exitCode, err]).toEqual([0, ''])
    expect(out).toContain(`config.d/new.yml is not there
  +site: {a: 1}

config.yml differs on sp2
  --- config.yml on sp2
  +++ config.yml on sp1
`)
    expect(out).toContain('\n  +  outside_checks: process\n')
    expect(out).toContain(`
sp2 has these files now; those of before are there in ${there}/.tandem/before/set-1
in force on sp2: what is asked from outside is in force
the agent of sp2 runs with these files
`)
    expect(textOf(there, 'config.yml')).toBe(textOf(here, 'config.yml'))
    expect(textOf(there, 'config.d/new.yml')).toBe('site: {a: 1}\n')
    expect([textOf(there, 'config.sp2.yml'), textOf(there, 'config.local.yml')]).toEqual([
      null,
      null,
    ])
    expect(textOf(there, 'constants.yml')).not.toContain('may differ')
    expect(textOf(there, 'config.d/own.yml')).toBe('site: {own: 1}\n')
    expect(reloads).toBe(1)
    // The file has the time that it has here: the next push finds nothing newer there.
    expect((await pushed()).out).toContain('files are alike')
  })

  it('changes nothing in a dry run, whose word holds for what it showed alone', async () => {
    changeHere()
    const before = textOf(there, 'config.yml')
    const dry = await pushed({ dryRun: true })
    expect(dry.exitCode).toBe(0)
    const word = /--shown ([0-9a-f]{12})\n$/.exec(dry.out)?.[1] ?? ''
    expect([textOf(there, 'config.yml'), reloads]).toEqual([before, 0])
    change(there, 'config.yml', 'timing: fast', 'timing: default')
    touch(there, 'config.yml', 1500)
    const refused = await pushed({ shown: word })
    expect(refused.exitCode).toBe(3)
    expect(refused.err).toBe(
      `tandem config push: the files are not those of which '${word}' was shown; nothing was changed\n` +
        '  mend: look again: tandem config push --dry-run\n',
    )
    const again = /--shown ([0-9a-f]{12})\n$/.exec((await pushed({ dryRun: true })).out)?.[1] ?? ''
    expect((await pushed({ shown: again })).exitCode).toBe(0)
    expect(textOf(there, 'config.yml')).toBe(textOf(here, 'config.yml'))
  })

  it('does not replace what is newer there, or only there, unless it is forced', async () => {
    change(there, 'config.yml', 'timing: fast', 'timing: default')
    touch(there, 'config.yml', 3000)
    const { exitCode, err } = await pushed()
    expect(exitCode).toBe(3)
    expect(err).toContain(
      'config.yml was changed on sp2 later than here, at 2023-11-14T23:03:20.000Z',
    )
    expect(textOf(there, 'config.yml')).toContain('timing: default')
    expect((await pushed({ force: true })).exitCode).toBe(0)
    writeFileSync(join(there, 'config.d/theirs.yml'), 'site: {b: 1}\n')
    expect((await pushed()).err).toContain('config.d/theirs.yml is only on sp2')
    expect((await pushed({ force: true })).exitCode).toBe(0)
    expect(textOf(there, 'config.d/theirs.yml')).toBe(null)
    expect(textOf(there, `.tandem/before/set-2/config.d/theirs.yml`)).toBe('site: {b: 1}\n')
  })

  it('is refused when the peer changed between the look and the order', async () => {
    changeHere()
    const late: AskPeer = async (host, request, limitMs) => {
      if (request.kind === 'take') change(there, 'config.yml', 'timing: fast', 'timing: default')
      return await ask(host, request, limitMs)
    }
    const { exitCode, err } = await pushed({}, late)
    expect(exitCode).toBe(3)
    expect(err).toContain(
      'config.yml is not what it was when it was looked at; nothing was changed on sp2',
    )
    expect([textOf(there, 'config.yml')?.includes('outside_checks: process'), reloads]).toEqual([
      false,
      0,
    ])
  })

  it('is refused with every mistake when the peer would not start with the files', async () => {
    changeHere()
    // Of the node's own, which stays: together they contradict.
    writeFileSync(join(there, 'config.local.yml'), 'tandem: {timing: quick}\n')
    const before = textOf(there, 'config.yml')
    const { exitCode, err } = await pushed()
    expect(exitCode).toBe(3)
    expect(err).toContain(`${there}/config.local.yml`)
    expect(err).toContain('this node would not start with these files; nothing was changed on sp2')
    expect([textOf(there, 'config.yml'), reloads]).toEqual([before, 0])
  })

  it('brings the old files back when the agent there does not take the new ones over', async () => {
    changeHere()
    const before = textOf(there, 'config.yml')
    const reason = { code: 'probe-fails', sentence: 'a new probe fails', mend: 'mend it' }
    outcome = { exitCode: 3, document: { ok: false, reason } }
    const { exitCode, err } = await pushed()
    expect([exitCode, textOf(there, 'config.yml')]).toEqual([3, before])
    expect(err).toContain(
      'its agent does not take it over: a new probe fails; nothing was changed on sp2',
    )
  })

  it('tells a restart and a peer without an agent from a success', async () => {
    changeHere()
    const steps = ['on sp2, which does not serve: systemctl restart tandemd']
    const changed = [{ part: 'gate', reach: 'node' as const }]
    outcome = { exitCode: 3, document: { ok: true, applied: [], changed, steps } }
    const { exitCode, out } = await pushed()
    expect([exitCode, out.endsWith(`needs a restart: gate\n  1. ${steps[0]}\n`)]).toEqual([5, true])
    change(here, 'config.yml', 'outside_checks: process', 'outside_checks: tcp 127.0.0.1:1')
    touch(here, 'config.yml', 2500)
    outcome = { exitCode: 2, document: { message: 'no agent answers', mend: '' } }
    const json = await pushed({ asJson: true })
    const told = JSON.parse(json.out)
    expect([json.exitCode, told.state, told.peerNode]).toEqual([5, 'taken', 'sp2'])
    expect(
      told.differences.map(({ name, is }: { name: string; is: string }) => [name, is]),
    ).toEqual([['config.yml', 'changed']])
  })

  it('finds out what became of an order whose answer was lost', async () => {
    changeHere()
    const lost =
      (does: boolean): AskPeer =>
      async (host, request, limitMs) => {
        if (request.kind !== 'take') return await ask(host, request, limitMs)
        if (does) await ask(host, request, limitMs)
        return { ok: false, code: 'lost', host, message: 'client_loop: send disconnect', mend: '' }
      }
    const old = await pushed({}, lost(false))
    expect([old.exitCode, old.err.includes('sp2 has the old files')]).toEqual([4, true])
    const taken = await pushed({}, lost(true))
    expect([taken.exitCode, taken.err.includes('sp2 has the new files')]).toEqual([4, true])
  })

  it('tries the next way when one does not lead to the peer', async () => {
    const cut: AskPeer = async (host, request, limitMs) =>
      host === '192.168.255.252'
        ? { ok: false, code: 'unreachable', host, message: 'No route to host', mend: 'mend it' }
        : await ask(host, request, limitMs)
    expect((await pushed({}, cut)).exitCode).toBe(0)
    const none: AskPeer = async (host) => ({
      ...{ ok: false, code: 'unreachable', host, message: 'No route to host', mend: 'mend it' },
    })
    const { exitCode, err } = await pushed({}, none)
    expect([exitCode, err]).toEqual([
      2,
      'tandem config push: the peer was not reached: No route to host; nothing was changed\n  mend: mend it\n',
    ])
  })

  it('shows no value that sounds like a secret', async () => {
    writeFileSync(
      join(here, 'config.d/db.yml'),
      'db: {user: u, password: hush}\nsip_secret: "x y"\n',
    )
    const { out } = await pushed({ dryRun: true })
    expect(out).toContain('+db: {user: u, password: ***}\n  +sip_secret: ***\n')
    expect(out).not.toContain('hush')
  })
})

describe('tandem config receive', () => {
  it('refuses what did not come whole, what leaves the directory, and who is not the peer', async () => {
    const request: PushRequest = {
      ...{ version: 1, kind: 'take', from: 'sp1', fromHost: 'sp1', have: {}, expect: null },
      files: [{ name: 'config.yml', content: null, mode: 0o600, mtimeMs: 0 }],
    }
    const text = JSON.stringify(request)
    expect(await answer(text.slice(0, -3))).toMatchObject({ ok: false, code: 'version' })
    expect(await answer(text.replace('config.yml', '../config.yml'))).toMatchObject({
      code: 'version',
    })
    expect(await answer(text.replace('config.yml', 'config.d/../x.yml'))).toMatchObject({
      code: 'version',
    })
    const look = JSON.stringify({ ...request, kind: 'look', files: [] })
    expect(await answer(look, here, 'sp1')).toMatchObject({ ok: false, code: 'not-the-peer' })
    // Without config.yml nothing starts.
    expect(await answer(text)).toMatchObject({ ok: false, code: 'mistakes', unchanged: true })
    expect(textOf(there, 'config.yml')).not.toBe(null)
  })
})
