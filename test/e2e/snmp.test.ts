/**
 * Goal: whoever walks this node by SNMP sees what the agent says, and learns that no agent answers. Method: a real
 * snmpd on loopback that starts the real command; the agent's own server on its sockets. Numbers, not names: the
 * modules that the MIB imports are no part of Debian. The names are compared in test/cli/snmp.test.ts.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT_OID } from '../../src/cli/snmp-tree.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { freePort } from '../helpers/redis-server.ts'
import { until } from '../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../..')
const SNMPD = '/usr/sbin/snmpd'

let agent: PretendAgent
let snmpd: ChildProcess
let port = 0
const directory = mkdtempSync(join(tmpdir(), 'snmp-'))

/** What lies below a place, each as the number behind our root, the type and the value; none while it is silent. */
async function walk(): Promise<string[]> {
  const where = ['-v2c', '-c', 'look', '-t', '3', '-r', '1', `127.0.0.1:${port}`, ROOT_OID]
  // Never in the way of the agent, which answers from this very process.
  const walked = promisify(execFile)('snmpwalk', ['-m', '', '-On', ...where], { timeout: 30_000 })
  const stdout = await walked.then((done) => done.stdout).catch(() => '')
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => line.replace(`${ROOT_OID}.`, '').replaceAll('"', ''))
}

describe.skipIf(!existsSync(SNMPD))('SNMP', () => {
  beforeAll(async () => {
    agent = await startPretendAgent(pretendPorts())
    port = await freePort()
    const command = `${process.execPath} ${ROOT}/dist/cli/tandem.js snmp --run ${agent.runDir}`
    const lines = ['rocommunity look 127.0.0.1', `pass_persist ${ROOT_OID} ${command}`, '']
    writeFileSync(join(directory, 'snmpd.conf'), lines.join('\n'))
    const places = ['-C', '-c', join(directory, 'snmpd.conf'), `udp:127.0.0.1:${port}`]
    snmpd = spawn(SNMPD, ['-f', '-Lo', '-I', '-smux', ...places], {
      ...{ stdio: 'ignore', env: { ...process.env, SNMP_PERSISTENT_DIR: directory } },
    })
    await until(async () => (await walk())[0]?.endsWith('sp1') === true)
  })

  afterAll(async () => {
    snmpd.kill()
    await agent.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  test('shows the node and every alarm', async () => {
    expect(await walk()).toEqual([
      '1.1.0 = STRING: sp1',
      '1.2.0 = INTEGER: 1',
      '1.3.0 = Gauge32: 200',
      '1.4.0 = Counter64: 7',
      '1.5.0 = STRING: elected: the peer granted the lease',
      '1.6.0 = INTEGER: 48',
      '1.7.0 = INTEGER: 2',
      '1.8.0 = INTEGER: 1',
      '1.9.0 = INTEGER: 1',
      expect.stringMatching(/^1\.10\.0 = Gauge32: \d$/),
      expect.stringMatching(/^1\.11\.0 = Gauge32: \d$/),
      '1.12.0 = Gauge32: 1',
      '1.13.0 = Gauge32: 0',
      '1.14.0 = Gauge32: 0',
      '2.1.2.1 = STRING: ping-nodes-few',
      expect.stringMatching(/^2\.1\.3\.1 = /),
      '2.1.4.1 = STRING: only 2 ping nodes are configured: a single failure decides',
      '2.1.5.1 = STRING: name three or five',
      '2.1.6.1 = STRING: 2026-11-21T11:00:00.000Z',
    ])
  })

  test('says unknown, and nothing else, once no agent answers', async () => {
    await agent.stop()
    await until(async () => (await walk()).join() === '1.2.0 = INTEGER: 4')
  })
})
