import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { controlClient } from '../../src/control/client.ts'
import { groupIdFrom } from '../../src/control/group.ts'
import { listen } from '../../src/control/listen.ts'
import { buildServer } from '../../src/control/server.ts'
import { pretendPorts } from '../fixtures/control-agent.ts'
import { STATUS } from '../fixtures/control-documents.ts'

let base: string
const running: Array<() => Promise<void>> = []

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'tandem-listen-'))
})

afterEach(async () => {
  for (const close of running.splice(0)) await close()
  await rm(base, { recursive: true, force: true })
})

async function listenIn(runDir: string, controlGroup: string | null = null) {
  const ports = pretendPorts()
  const full = buildServer(ports, { access: 'full' })
  const read = buildServer(ports, { access: 'read' })
  const result = await listen({ runDir, controlGroup, full, read })
  if (result.ok) running.push(result.close)
  return result
}

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

describe('listen', () => {
  test('makes the directory, one socket for the group and one for everybody, and nothing else', async () => {
    const runDir = join(base, 'run')
    expect((await listenIn(runDir)).ok).toBe(true)
    expect((await readdir(runDir)).sort()).toStrictEqual(['control.sock', 'status.sock'])
    expect(await mode(runDir)).toBe('755')
    expect(await mode(join(runDir, 'control.sock'))).toBe('660')
    expect(await mode(join(runDir, 'status.sock'))).toBe('666')
  })

  test('puts nothing beside its directory, which may be a disk of its own', async () => {
    const runDir = join(base, 'run')
    await mkdir(runDir)
    const beside: string[] = []
    const watcher = watch(base, (_event, name) => beside.push(String(name)))
    expect((await listenIn(runDir)).ok).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 50))
    watcher.close()
    expect(beside.filter((name) => name !== 'run')).toStrictEqual([])
  })

  test('takes its sockets away when it closes', async () => {
    const result = await listenIn(base)
    if (result.ok) await result.close()
    expect(await readdir(base)).toStrictEqual([])
  })

  test('replaces the sockets of an agent that was killed', async () => {
    const script = `const net = require('node:net')
      net.createServer().listen(${JSON.stringify(join(base, 'control.sock'))}, () => {
        net.createServer().listen(${JSON.stringify(join(base, 'status.sock'))}, () => console.log('up'))
      })`
    const dead: ChildProcess = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(dead.stdout!, 'data')
    dead.kill('SIGKILL')
    await once(dead, 'exit')
    expect((await readdir(base)).sort()).toStrictEqual(['control.sock', 'status.sock'])
    expect((await listenIn(base)).ok).toBe(true)
    expect(await controlClient(base).status(1_000)).toStrictEqual({ ok: true, value: STATUS })
  })

  test('does not replace an agent that answers, and leaves it answering', async () => {
    await listenIn(base)
    expect(await listenIn(base)).toStrictEqual({
      ok: false,
      code: 'HA_CONTROL_IN_USE',
      message: `another agent answers at ${join(base, 'control.sock')}`,
      mend: 'stop it first, or give this one a run directory of its own with --run',
    })
    expect((await controlClient(base).status(1_000)).ok).toBe(true)
  })

  test('does not replace an agent whose queue of connections is full', async () => {
    const path = join(base, 'control.sock')
    // A process that never accepts: stopped right after it began to listen with room for one.
    const script = `require('node:net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 },
      () => { console.log('up'); setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 1) })`
    const stopped = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(stopped.stdout!, 'data')
    await expect.poll(async () => stateOf(stopped.pid!)).toBe('T')
    const waiting = Array.from({ length: 6 }, () => createConnection({ path }))
    try {
      const ends = await Promise.all(
        waiting.map((socket) =>
          Promise.race([
            once(socket, 'connect').then(() => 'queued'),
            once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code),
          ]).catch((error: NodeJS.ErrnoException) => error.code),
        ),
      )
      expect(ends).toContain('EAGAIN')
      const result = await listenIn(base)
      expect(result.ok ? 'replaced' : result.code).toBe('HA_CONTROL_IN_USE')
    } finally {
      for (const socket of waiting) socket.destroy()
      stopped.kill('SIGKILL')
      await once(stopped, 'exit')
    }
  })

  test('gives the control socket to the control group', async () => {
    expect((await listenIn(base, 'daemon')).ok).toBe(true)
    expect((await stat(join(base, 'control.sock'))).gid).toBe(1)
  })

  test('names the group that does not exist, and listens nowhere', async () => {
    expect(await listenIn(base, 'no-such-group')).toStrictEqual({
      ok: false,
      code: 'HA_CONTROL_GROUP_UNKNOWN',
      message: "there is no group 'no-such-group' in /etc/group",
      mend: 'create it with groupadd, or correct control_group in config.yml',
    })
    expect(await readdir(base)).toStrictEqual([])
  })

  test('refuses a directory whose name leaves no room for a socket', async () => {
    const runDir = join(base, 'x'.repeat(90))
    expect(await listenIn(runDir)).toStrictEqual({
      ok: false,
      code: 'HA_CONTROL_SOCKET_FAILED',
      message: `the run directory ${runDir} has too long a name for a socket`,
      mend: 'choose another',
    })
  })

  test('says why when the directory cannot be made', async () => {
    const result = await listenIn('/proc/tandem')
    expect(result.ok ? 'listening' : result.code).toBe('HA_CONTROL_SOCKET_FAILED')
  })

  test('a file that is no socket does not stand in the way', async () => {
    await writeFile(join(base, 'control.sock'), 'left here by mistake')
    expect((await listenIn(base)).ok).toBe(true)
    expect((await controlClient(base).status(1_000)).ok).toBe(true)
  })
})

test('a group is found by its whole name in well-formed lines only', () => {
  const text = 'root:x:0:\nngcp-ops:x:1001:a,b\nbroken:x\nodd:x:ten:\n'
  expect(groupIdFrom(text, 'ngcp-ops')).toBe(1001)
  expect(groupIdFrom(text, 'root')).toBe(0)
  for (const name of ['ngcp', 'broken', 'odd', '']) expect(groupIdFrom(text, name)).toBeNull()
})

async function stateOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.[0] ?? '?'
}
