/**
 * Goal: `tandem status --watch` is one true screen in a real terminal: 80 columns by 24 rows, without colours,
 * after a resize, while the agent restarts and when it is gone; keys work, and the terminal comes back as it was.
 * Method: the built program in a pseudo-terminal of tmux, asked by a pretend agent on real sockets.
 */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { StatusDocument } from '../../src/control/schema.ts'
import { type PretendAgent, pretendPorts, startPretendAgent } from '../fixtures/control-agent.ts'
import { UNHEARD_PEER } from '../fixtures/control-documents.ts'
import { ACTIVE, PAIR_HISTORY } from '../fixtures/pair-documents.ts'
import { until } from '../helpers/until.ts'

const run = promisify(execFile)
const PROGRAM = join(import.meta.dirname, '../../dist/cli/tandem.js')
const SOCKET = `tandem-test-${process.pid}`

function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'])
    return true
  } catch {
    return false
  }
}

async function tmux(...args: string[]): Promise<string> {
  const { stdout } = await run('tmux', ['-L', SOCKET, '-f', '/dev/null', ...args])
  return stdout
}

/** Starts a shell command in a terminal of that size; the terminal outlives it. */
async function inTerminal(command: string, columns = 80, rows = 24): Promise<void> {
  const size = ['-x', String(columns), '-y', String(rows)]
  await tmux('new-session', '-d', '-s', 'watch', ...size, `${command}; echo "ended with $?"; cat`)
}

/** The screen as lines of text. */
async function shown(): Promise<string[]> {
  return (await tmux('capture-pane', '-p', '-t', 'watch')).replace(/\n$/, '').split('\n')
}

async function seen(pattern: RegExp): Promise<string> {
  let text = ''
  const found = until(async () => {
    text = (await shown()).join('\n')
    return pattern.test(text) ? text : null
  }, 20_000)
  return await found.catch(() => {
    throw new Error(`${pattern} was not seen on this screen:\n${text}`)
  })
}

function watching(runDir: string, environment = 'LC_ALL=C.UTF-8'): string {
  return `env -u NO_COLOR ${environment} ${process.execPath} ${PROGRAM} status --watch --run ${runDir}`
}

describe.skipIf(!hasTmux())('tandem status --watch in a terminal', () => {
  let agent: PretendAgent | null = null
  let status: StatusDocument = ACTIVE

  function ports() {
    return pretendPorts({ status: async () => status, history: async () => PAIR_HISTORY })
  }

  afterEach(async () => {
    await tmux('kill-server').catch(() => '')
    await agent?.stop()
    agent = null
    status = ACTIVE
  })

  it('fits everything on 80 columns and 24 rows, and gives the terminal back', async () => {
    agent = await startPretendAgent(ports())
    await inTerminal(watching(agent.runDir))
    const text = await seen(/live/)
    const lines = text.split('\n')
    expect(lines.length).toBe(24)
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80)
    for (const word of [
      /sp1, this node for 3 min 20 s +sp2, heard 12 ms ago/,
      /lease .*82 of 100 ms/,
      /crosslink +up +0 %/,
      /10\.0\.0\.254 +answering/,
      /10\.0\.0\.50\/24 +here, answered/,
      /proxy +OK/,
      /mariadb +writable, with the peer/,
      /11-21 11:56:40 +sp1 elect -> active, term 7/,
    ]) {
      expect(text).toMatch(word)
    }
    expect(lines.at(-1)).toMatch(/^q quit/)
    await tmux('send-keys', '-t', 'watch', 'q')
    expect(await seen(/ended with 0/)).not.toMatch(/live/)
  })

  it('marks what changed since it began, until asked to forget', async () => {
    agent = await startPretendAgent(ports())
    await inTerminal(watching(agent.runDir, 'NO_COLOR=1 LC_ALL=C'))
    const before = await seen(/live/)
    expect(before).not.toContain('*')
    status = { ...ACTIVE, peer: UNHEARD_PEER, timeIso: '2026-11-21T12:01:00.000Z' }
    const after = await seen(/S I L E N T/)
    expect(after).toMatch(/\*sp2, not heard/)
    expect(after).toMatch(/11-21 12:01:00 +sp2: silent, was standby/)
    expect(await tmux('capture-pane', '-p', '-e', '-t', 'watch')).not.toContain('\u001b[')
    await tmux('send-keys', '-t', 'watch', 'c')
    await seen(/(?<!\*)sp2, not heard/)
  })

  it('follows a resize', async () => {
    agent = await startPretendAgent(ports())
    await inTerminal(watching(agent.runDir), 120, 40)
    await seen(/live/)
    await tmux('resize-window', '-t', 'watch', '-x', '46', '-y', '30')
    const narrow = await seen(/ACTIVE\n/)
    for (const line of narrow.split('\n')) expect([...line].length).toBeLessThanOrEqual(46)
    expect(narrow).toMatch(/STANDBY/)
    await tmux('resize-window', '-t', 'watch', '-x', '80', '-y', '24')
    await seen(/sp1, this node.* sp2, heard/)
  })

  it('says that there is no word when the agent is gone, and goes on when it is back', async () => {
    agent = await startPretendAgent(ports())
    const { runDir } = agent
    await inTerminal(watching(runDir))
    await seen(/live/)
    await agent.stop()
    const gone = await seen(/NO WORD FROM sp1 FOR [2-9] s/)
    expect(gone).toMatch(/sp1 was active/)
    expect(gone).toMatch(/no agent answers at/)
    expect(gone).not.toMatch(/live/)
    status = { ...ACTIVE, self: { ...ACTIVE.self, pid: 4712 }, timeIso: '2026-11-21T12:02:00.000Z' }
    agent = await startPretendAgent(ports(), runDir)
    expect(await seen(/live/)).toMatch(/12:02:00 +agent of sp1: pid 4712, was pid 4711/)
  })

  it('ends by itself with the reason where there never was an agent', async () => {
    await inTerminal(`${watching('/nowhere')} --count 1`)
    const text = await seen(/ended with 2/)
    expect(text).toMatch(/no agent answers at \/nowhere\/status\.sock/)
  })

  it('gives the terminal back when it is ended by a signal', async () => {
    agent = await startPretendAgent(ports())
    await inTerminal(watching(agent.runDir))
    await seen(/live/)
    await tmux('send-keys', '-t', 'watch', 'C-c')
    await seen(/ended with 0/)
  })
})
