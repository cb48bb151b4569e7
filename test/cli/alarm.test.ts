/**
 * Goal: `tandem alarm` lists what is to be mended and tries every way to the operators, `tandem config diff`
 * names what differs. Method: a pretend agent, and real channels of a real configuration.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run as runAlarm } from '../../src/cli/alarm.ts'
import { run as runConfig } from '../../src/cli/config.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { STATUS } from '../fixtures/control-documents.ts'
import { CONFIG, NETWORK } from '../helpers/config-case.ts'

let agent: PretendAgent | null = null
let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'alarm-'))
})
afterEach(async () => {
  await agent?.stop()
  agent = null
  await rm(directory, { recursive: true })
})

type Run = typeof runAlarm

async function asked(run: Run, args: string[], changes: Partial<StatusDocument>) {
  const ports = pretendPorts({ status: async () => ({ ...STATUS, ...changes }) })
  agent = await startPretendAgent(ports)
  const io = capturedIo({ env: { TANDEM_RUN: agent.runDir } })
  return { code: await run(args, io), out: io.out, err: io.err }
}

describe('tandem alarm list', () => {
  test('names each alarm with its next step, and how the ways do', async () => {
    const failing = {
      ...{ kind: 'webhook' as const, target: 'https://x.test', state: 'failing' as const },
      ...{ queued: 2, dropped: 1, failures: 3, why: 'answered 503', deliveredIso: null },
    }
    const { code, out } = await asked(runAlarm, ['list'], { notices: [failing] })
    expect(code).toBe(3)
    expect(out).toBe(`ping-nodes-few  since 2026-11-21T11:00:00.000Z
  only 2 ping nodes are configured: a single failure decides
  next step: name three or five

ALARMS GO BY  TO              STATE                  WAITING  GIVEN UP  LAST THROUGH
webhook       https://x.test  failing: answered 503  2        1         none since the start
`)
  })

  test('says that none stands, and that nobody would be told', async () => {
    const { code, out } = await asked(runAlarm, ['list'], { alarms: [] })
    expect([code, out]).toEqual([
      0,
      'no alarm stands on sp1\n\nnobody is told of alarms (tandem.alarms)\n',
    ])
  })
})

describe('tandem alarm test', () => {
  async function tested(alarms: string) {
    await writeFile(join(directory, 'config.yml'), `${CONFIG}  alarms: ${alarms}\n`)
    await writeFile(join(directory, 'network.yml'), NETWORK)
    const io = capturedIo()
    const places = ['--config', directory, '--node', 'sp1']
    return { code: await runAlarm(['test', ...places], io), out: io.out, err: io.err }
  }

  test('tries every way and says what each answered', async () => {
    const program = join(directory, 'page')
    await writeFile(program, `#!/bin/sh\ncat >${directory}/paged\n`, { mode: 0o755 })
    const { code, out } = await tested(
      `{command: ${program}, webhook: {url: "http://127.0.0.1:1/word"}}`,
    )
    expect(code).toBe(6)
    expect(out).toBe(
      'webhook to http://127.0.0.1:1: NO: http://127.0.0.1:1: ECONNREFUSED\n' +
        `command to ${program}: yes: ${program} ended with 0\n`,
    )
    const notice = JSON.parse(await readFile(join(directory, 'paged'), 'utf8')) as object
    expect(notice).toMatchObject({ kind: 'test', subject: '[tandem sp1] Test: nothing happened' })
  })

  test('of nobody is refused with the mend', async () => {
    const { code, err } = await tested('{}')
    expect([code, err]).toEqual([
      3,
      'tandem alarm: nobody is told of alarms\n  mend: name a way in tandem.alarms\n',
    ])
  })
})

describe('tandem config diff', () => {
  test('names what differs and the command that shows it', async () => {
    const sinceIso = '2026-11-21T11:00:00.000Z'
    const differences = [
      { kind: 'part' as const, name: 'stores', where: 'differs' as const, sinceIso },
      { kind: 'file' as const, name: '/etc/a b', where: 'differs' as const, sinceIso },
      { kind: 'file' as const, name: '/etc/c', where: 'only-there' as const, sinceIso },
    ]
    const drift = { compared: 12, differences }
    const { code, out } = await asked(runConfig, ['diff'], { drift })
    expect(code).toBe(5)
    const peer = STATUS.paths[0]?.theirs
    expect(out).toBe(`NOT ALIKE  IS    HOW               SINCE
stores     part  differs           2026-11-21T11:00:00.000Z
/etc/a b   file  differs           2026-11-21T11:00:00.000Z
/etc/c     file  only on the peer  2026-11-21T11:00:00.000Z

12 things were compared

What is in them (< this node, > sp2):
  ssh ${peer} cat ''\\''/etc/a b'\\''' | diff '/etc/a b' -
  ssh ${peer} cat /etc/c
`)
  })

  test('ends with 0 where nothing differs, and with 3 where nothing was told', async () => {
    const alike = await asked(runConfig, ['diff'], {})
    expect([alike.code, alike.out]).toEqual([0, 'nothing differs; 12 things were compared\n'])
    await agent?.stop()
    const silent = await asked(runConfig, ['diff'], { drift: { compared: null, differences: [] } })
    expect(silent.code).toBe(3)
  })
})
