import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createRawServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { controlClient } from '../../src/control/client.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { EXPLAIN, HISTORY, operationWith, STATUS } from '../fixtures/control-documents.ts'

let agent: PretendAgent | null = null
let base: string
const servers: Server[] = []

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'tandem-client-'))
})

afterEach(async () => {
  await agent?.stop()
  agent = null
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await rm(base, { recursive: true, force: true })
})

/** Something at the place of the agent that is not one. */
async function impostor(listener: RequestListener): Promise<void> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(join(base, 'status.sock'), resolve))
}

describe('a client', () => {
  test('brings every document over the socket unchanged', async () => {
    const operation = operationWith({ state: 'running' })
    agent = await startPretendAgent(pretendPorts({ operation: async () => operation }))
    const client = controlClient(agent.runDir)
    expect(await client.status(2_000)).toStrictEqual({ ok: true, value: STATUS })
    expect(await client.history(5, 2_000)).toStrictEqual({ ok: true, value: HISTORY })
    expect(await client.explain(2_000)).toStrictEqual({ ok: true, value: EXPLAIN })
    expect(await client.operation('op-1', 2_000)).toStrictEqual({ ok: true, value: operation })
  })

  test('brings the refused operation with its reason', async () => {
    const refused = operationWith({
      state: 'refused',
      reason: { code: 'peer-silent', sentence: 'the peer is not heard', mend: null },
    })
    const ports = pretendPorts({ operate: async () => refused })
    agent = await startPretendAgent(ports)
    const request = { kind: 'make-standby', node: null, force: false } as const
    const answer = await controlClient(agent.runDir).operate(request, 2_000)
    expect(answer).toStrictEqual({ ok: true, value: refused })
  })

  test('says that nobody listens, with or without a socket left behind', async () => {
    const silent = {
      ok: false,
      code: 'unreachable',
      errorCode: 'HA_CONTROL_UNREACHABLE',
      message: `no agent answers at ${base}/status.sock`,
      mend: 'start it (systemctl start tandemd), or name its run directory with --run',
    }
    expect(await controlClient(base).status(1_000)).toStrictEqual(silent)
    const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script, join(base, 'status.sock')])
    expect(await controlClient(base).status(1_000)).toStrictEqual(silent)
  })

  test('gives up at its limit when the agent accepts and says nothing', async () => {
    const mute = createRawServer()
    await new Promise<void>((resolve) => mute.listen(join(base, 'status.sock'), resolve))
    const startMs = performance.now()
    const answer = await controlClient(base).status(60)
    const tookMs = performance.now() - startMs
    mute.close()
    expect(answer.ok ? 'answered' : answer.code).toBe('timeout')
    expect(tookMs).toBeGreaterThan(55)
    expect(tookMs).toBeLessThan(1_000)
  })

  test('gives up at its limit when the answer begins and never ends', async () => {
    await impostor((_request, response) => void response.write('{"schema":1,'))
    const answer = await controlClient(base).status(80)
    expect(answer.ok ? 'answered' : answer.code).toBe('timeout')
  })

  test('says that the agent ended when the connection breaks', async () => {
    await impostor((request) => void request.socket.destroy())
    expect(await controlClient(base).status(1_000)).toStrictEqual({
      ok: false,
      code: 'unreachable',
      errorCode: 'HA_CONTROL_UNREACHABLE',
      message: `the agent at ${base}/status.sock ended while it was asked`,
      mend: 'look at its log (journalctl -u tandemd)',
    })
  })

  test.each([
    ['hello', 'status 200 and no JSON document'],
    ['[1]', 'its documents have version undefined, this command reads version 1'],
    ['{"schema":2}', 'its documents have version 2, this command reads version 1'],
  ])('does not take %s for a document', async (text, why) => {
    await impostor((_request, response) => void response.end(text))
    expect(await controlClient(base).status(1_000)).toStrictEqual({
      ok: false,
      code: 'garbled',
      errorCode: 'HA_CONTROL_GARBLED',
      message: `the agent at ${base}/status.sock answered what this command cannot read: ${why}`,
      mend: 'install the same version of command and agent, and restart the agent',
    })
  })

  test('does not read an answer without end', async () => {
    await impostor((_request, response) => {
      const chunk = 'x'.repeat(65_536)
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', pour)
      pour()
    })
    const answer = await controlClient(base).status(5_000)
    expect(answer.ok ? 'answered' : answer.message).toContain('the answer is too long')
  })

  test('tells what is unknown from what is refused', async () => {
    agent = await startPretendAgent(pretendPorts())
    const unknown = await controlClient(agent.runDir).operation('op-9', 2_000)
    expect(unknown).toStrictEqual({
      ok: false,
      code: 'unknown',
      errorCode: 'HA_OPERATION_UNKNOWN',
      message: 'no operation has the id op-9',
      mend: 'the agent forgets operations when it restarts; look at: tandem status',
    })
    const refused = await controlClient(agent.runDir).history(0, 2_000)
    expect(refused.ok ? 'answered' : refused.code).toBe('refused')
  })

  test('a user without rights may look and not order', async () => {
    agent = await startPretendAgent(pretendPorts())
    await chmod(agent.runDir, 0o755)
    const ask = (socket: string): string => {
      const script = `require('node:net').connect(process.argv[1]).on('connect', function () {
        console.log('connected'); this.destroy() }).on('error', (error) => console.log(error.code))`
      const options = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534, cwd: '/' } : {}
      const path = join(agent!.runDir, socket)
      // Asynchronous servers of this process accept by kernel backlog, so a synchronous child is fine.
      return execFileSync(process.execPath, ['-e', script, path], { ...options, encoding: 'utf8' })
    }
    expect(ask('status.sock')).toBe('connected\n')
    if (process.getuid?.() === 0) expect(ask('control.sock')).toBe('EACCES\n')
  })
})
