/**
 * Goal: whoever logs in sees which role the node has, in every shell, and nothing else changes. Method: the real
 * snippets in the real sh and bash, with the real ngcp-check-active and a state file of ours.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeStateLine } from '../../src/wire/state-line.ts'

const PACKAGING = join(import.meta.dirname, '../../packaging')
const directory = mkdtempSync(join(tmpdir(), 'login-'))
const bin = join(directory, 'bin')
const PATH = `${bin}:/usr/bin:/bin`

beforeAll(() => {
  mkdirSync(bin)
  symlinkSync(join(PACKAGING, 'bin/ngcp-check-active'), join(bin, 'ngcp-check-active'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function become(word: 'active' | 'standby'): void {
  const bootMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1_000
  const line = { stamp: 1, word, role: word, validUntilMs: bootMs + 9_000, term: 7 }
  writeFileSync(join(directory, 'state'), encodeStateLine(line))
}

/** An interactive shell that reads the snippet, then these lines; its prompts come on standard error. */
function interactive(shell: readonly string[], lines: readonly string[], env = {}) {
  const [program = '', ...args] = shell
  const input = ['PS1="> "', `. ${PACKAGING}/login/tandem.sh`, ...lines, ''].join('\n')
  const given = { PATH, TANDEM_RUN: directory, HOME: directory, ...env }
  const { stdout, stderr } = spawnSync(program, args, {
    ...{ env: given, input, encoding: 'utf8', timeout: 15_000 },
  })
  return { out: stdout, prompts: stderr }
}

const SHELLS = [
  ['bash', ['bash', '--noprofile', '--norc', '-i']],
  ['bash as sh', ['bash', '--posix', '--noprofile', '--norc', '-i']],
  ['dash', ['dash', '-i']],
] as const

describe.each(SHELLS)('in %s', (_name, shell) => {
  test('the prompt tells the role, anew each time, and keeps $?', () => {
    become('standby')
    const { out, prompts } = interactive(shell, ['false', 'echo "ended $?"'])
    expect(out).toMatch(/ended 1$/m)
    expect(prompts).toContain('. > ')
    become('active')
    expect(interactive(shell, ['true']).prompts).toContain('! > ')
    rmSync(join(directory, 'state'))
    expect(interactive(shell, ['true']).prompts).toContain('? > ')
  })

  test('it is said once at login', () => {
    become('active')
    expect(interactive(shell, []).out).toBe(`${hostname()} is active\n`)
  })

  test('read twice the prompt tells it once, and not at all when that is not wanted', () => {
    become('active')
    const twice = interactive(shell, [`. ${PACKAGING}/login/tandem.sh`, 'true'])
    expect(twice.prompts).not.toContain('! ! ')
    const { prompts } = interactive(shell, ['true'], { TANDEM_PROMPT: 'no' })
    expect(prompts).not.toContain('! ')
  })

  test('nothing changes where the command is missing', () => {
    const { out, prompts } = interactive(shell, ['true'], { PATH: '/usr/bin:/bin' })
    expect([out, prompts.includes('> ')]).toEqual(['', true])
    expect(prompts).not.toMatch(/not found/)
  })
})

test('a prompt that comes later from ~/.bashrc tells the role as well', () => {
  become('active')
  const bash = ['bash', '--noprofile', '--norc', '-i']
  expect(interactive(bash, ['PS1="mine> "', 'true']).prompts).toContain('! mine> ')
})

test('a shell that is not interactive is left alone', () => {
  const text = `. ${PACKAGING}/login/tandem.sh; echo "[\${PS1-}]"`
  const env = { PATH, TANDEM_RUN: directory }
  for (const shell of ['bash', 'dash']) {
    expect(spawnSync(shell, ['-euc', text], { env, encoding: 'utf8' }).stdout).not.toContain('ngcp')
  }
})

test('the message of the day names the role', () => {
  const motd = (path = PATH) =>
    spawnSync(join(PACKAGING, 'login/50-tandem'), [], {
      ...{ env: { PATH: path, TANDEM_RUN: directory }, encoding: 'utf8' },
    }).stdout
  become('active')
  expect(motd()).toBe(`\n  ${hostname()} is active (this node serves: take care)\n\n`)
  become('standby')
  expect(motd()).toContain(' is standby (')
  rmSync(join(directory, 'state'))
  expect(motd()).toContain(' is unknown (no agent tells')
  expect(motd('/usr/bin:/bin')).toBe('')
})
