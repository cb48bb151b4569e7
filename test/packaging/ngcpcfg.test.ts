/**
 * Goal: whatever is committed or merged into the platform's configuration is checked and taken over at once, nothing
 * else is, and a refusal does not undo the commit. Method: the hook in a real git repository; `tandem` is a stand-in
 * that tells that it was asked (reload itself is tried on real pairs).
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const HOOK = join(import.meta.dirname, '../../packaging/ngcpcfg/reload-tandem')
let place: string
let env: Record<string, string>

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tandem-ngcpcfg-'))
  const who = { GIT_AUTHOR_NAME: 't', GIT_AUTHOR_EMAIL: 't@t', GIT_CONFIG_GLOBAL: '/dev/null' }
  env = {
    ...who,
    ...{ GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@t', HOME: place },
    PATH: `${join(place, 'bin')}:/usr/bin:/bin`,
  }
  standIn(0)
  repository('sp1')
})
afterEach(() => rmSync(place, { recursive: true }))

/** @param code  with which `tandem` ends */
function standIn(code: number): void {
  const program = join(place, 'bin/tandem')
  mkdirSync(dirname(program), { recursive: true })
  writeFileSync(program, `#!/bin/sh\necho "asked: $*"\nexit ${code}\n`)
  chmodSync(program, 0o755)
}

/** @param origin  whose clone it is; without it begins with nothing */
function repository(name: string, origin?: string): void {
  const directory = join(place, name)
  const words = origin === undefined ? ['init', '-b', 'master'] : ['clone', join(place, origin)]
  execFileSync('git', [...words, '-q', directory], { env })
  for (const hook of ['post-commit', 'post-merge']) {
    symlinkSync(HOOK, join(directory, '.git/hooks', hook))
  }
}

function git(name: string, ...args: string[]) {
  const cwd = join(place, name)
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

function commit(file: string) {
  const path = join(place, 'sp1', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `a: ${Math.random()}\n`)
  git('sp1', 'add', '.')
  return git('sp1', 'commit', '-q', '-m', 'changed')
}

test.each(['config.yml', 'config.local.yml', 'network.yml', 'constants.yml', 'config.d/a.yml'])(
  'a change of %s is taken over',
  (file) => {
    for (const turn of [1, 2]) {
      const { status, said } = commit(file)
      expect([turn, status, said]).toEqual([
        ...[turn, 0],
        'tandem: the configuration was changed; checking it\nasked: reload\n',
      ])
    }
  },
)

test('a change of anything else is not', () => {
  commit('config.yml')
  expect(commit('templates/etc/kamailio/config.yml')).toEqual({ status: 0, said: '' })
})

test('a refusal is said, and the commit stands', () => {
  standIn(3)
  const { status, said } = commit('network.yml')
  expect([status, said]).toEqual([0, expect.stringContaining('tandem reload ended with 3')])
  expect(git('sp1', 'log', '--oneline').said).toContain('changed')
})

test('what comes from the other node is taken over there', () => {
  commit('config.yml')
  repository('sp2', 'sp1')
  commit('templates/a')
  expect(git('sp2', 'pull', '-q')).toEqual({ status: 0, said: '' })
  commit('network.yml')
  commit('templates/b')
  expect(git('sp2', 'pull', '-q').said).toContain('asked: reload')
})
