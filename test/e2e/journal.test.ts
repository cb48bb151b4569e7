/**
 * Goal: a real agent whose standard output is the journal's tells it its role, with node, term and a message id
 * that is fixed, and goes on while the journal stands still. Method: one node of a lab, alone, in a mount
 * namespace with a journal socket of its own that a small program reads.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JOURNAL } from '../../src/control/journal-table.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, tandemPair } from '../../src/lab/pair.ts'
import { planLab } from '../../src/lab/plan.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { until } from '../helpers/until.ts'

const ROOT = join(import.meta.dirname, '../..')

function isAgent(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tandem.js\0agent\0')
}

let lab: Lab
let node: LabNode
let received: string
let pidFile: string

/** Every entry that came, as its fields. */
function entries(): Record<string, string>[] {
  if (!existsSync(received)) return []
  const lines = readFileSync(received, 'utf8').split('\n')
  return lines
    .filter((line) => /^([0-9a-f]{2})+$/.test(line))
    .map((line) => {
      const fields = Buffer.from(line, 'hex').toString('utf8').trimEnd().split('\n')
      return Object.fromEntries(
        fields.map((field) => {
          const at = field.indexOf('=')
          return [field.slice(0, at), field.slice(at + 1)]
        }),
      )
    })
}

describe.skipIf(process.getuid?.() !== 0)('an agent under systemd', () => {
  beforeAll(async () => {
    lab = await buildLab(planLab('tandemjournal'))
    node = new LabNode(lab, 'sp1')
    await tandemPair('default').prepare(lab)
    await node.reinstall()
    received = join(lab.plan.workDir, 'received')
    pidFile = join(lab.plan.workDir, 'receiver.pid')
    const { config, state, run } = node.directories
    const places = `--config ${config} --state ${state} --run ${run} --node sp1`
    const script = join(lab.plan.workDir, 'unit.sh')
    const lines = [
      'mkdir -p /run/systemd/journal',
      'mount -t tmpfs journal /run/systemd/journal',
      `python3 ${ROOT}/test/fixtures/journal-receiver.py /run/systemd/journal/socket >${received} &`,
      `echo $! >${pidFile}`,
      `until grep -q ready ${received}; do sleep 0.05; done`,
      `JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1) exec ${process.execPath} ${ROOT}/dist/cli/tandem.js agent ${places}`,
    ]
    writeFileSync(script, `${lines.join('\n')}\n`)
    node.launch(['unshare', '--mount', 'sh', script])
  }, 60_000)

  afterAll(async () => {
    await lab?.destroy()
  }, 60_000)

  async function state(): Promise<string | null> {
    const result = await askTandem(node, 'status', '--json')
    return result.ok ? (JSON.parse(result.stdout) as StatusDocument).local.state : null
  }

  it('tells the journal its role and its alarms, and is held up by no journal', async () => {
    await until(async () => (await state()) === 'active', 40_000)
    const took = await until(
      async () =>
        entries().find(({ MESSAGE_ID }) => MESSAGE_ID === JOURNAL['took-over'].id) ?? null,
      10_000,
    )
    expect(took).toMatchObject({
      ...{ SYSLOG_IDENTIFIER: 'tandem', PRIORITY: '6', TANDEM_EVENT: 'role', TANDEM_NODE: 'sp1' },
      ...{ TANDEM_ROLE: 'active', TANDEM_SERVES: '1', TANDEM_REASON: 'takeover-done' },
      TANDEM_TERM: expect.stringMatching(/^\d+$/),
      MESSAGE: expect.stringMatching(/^role: .* -> active, serving, term \d+: /),
    })
    const alarm = await until(
      async () => entries().find(({ TANDEM_ALARM }) => TANDEM_ALARM === 'peer-silent') ?? null,
      30_000,
    )
    expect(alarm).toMatchObject({ MESSAGE_ID: JOURNAL.alarm.id, PRIORITY: '4' })
    expect(readFileSync(node.logFile, 'utf8')).not.toContain('role: ')

    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGSTOP')
    const agent = node.processes().filter((pid) => isAgent(pid))
    // Each is a line: the configuration was read, and nothing is new.
    for (
      let turn = 0;
      turn < 200 && !readFileSync(node.logFile, 'utf8').includes('<6>');
      turn += 1
    ) {
      for (const pid of agent) process.kill(pid, 'SIGHUP')
      await sleep(100)
    }
    // What the journal's queue did not take is on standard output, and the agent answers.
    expect(readFileSync(node.logFile, 'utf8')).toMatch(/^<[346]>[a-z-]+: /m)
    expect(await state()).toBe('active')
  }, 120_000)
})
