/**
 * Goal: the Debian package installs on a plain Debian without npm or a compiler, runs there, keeps what
 * operators changed, does not leave the pair without an active, and leaves nothing behind. Method: it is built,
 * and dpkg installs, upgrades, removes and purges it in small Debians; systemctl is a stand-in that notes
 * what it is told. How it behaves under a real systemd is not seen here.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DebianRoot, prepareDebian, type Ran } from '../helpers/debian-root.ts'
import { buildPackage } from '../helpers/package-file.ts'

const ROOT = join(import.meta.dirname, '../..')
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const PACKAGE_LIMIT_MS = 300_000
const OLDER = '0.0.9-1'
const RELEASES = ['bookworm', 'trixie'] as const
/** Each release, with why it is not there; found before any test is declared, so that a skip is seen. */
const MISSING = new Map(
  await Promise.all(RELEASES.map(async (suite) => [suite, await prepareDebian(suite)] as const)),
)

for (const [suite, why] of MISSING) {
  if (why !== null)
    console.error(`\n*** package.test.ts: NOTHING IS TESTED ON ${suite}: ${why} ***\n`)
}

let current = ''
let older = ''
beforeAll(async () => {
  current = await buildPackage(`${VERSION}-1`)
  older = await buildPackage(OLDER)
}, PACKAGE_LIMIT_MS)

let debian: DebianRoot | null = null
let writer: ChildProcess | null = null
afterEach(() => {
  writer?.kill('SIGKILL')
  writer = null
  debian?.remove()
  debian = null
})

function fresh(suite: string): DebianRoot {
  debian = new DebianRoot(suite)
  return debian
}

function install(root: DebianRoot, file = current): Ran {
  copyFileSync(file, root.path('/tmp/tandem.deb'))
  const ran = root.run('dpkg --force-unsafe-io -i /tmp/tandem.deb')
  rmSync(root.path('/tmp/tandem.deb'))
  return ran
}

/** A systemd that says that the agent runs, and a state line that says what this node is, for a while. */
function pretendToRun(root: DebianRoot, role: 'active' | 'standby'): void {
  const orders = '#!/bin/sh\necho "$*" >>/tmp/orders\n'
  writeFileSync(root.path('/usr/bin/systemctl'), orders)
  chmodSync(root.path('/usr/bin/systemctl'), 0o755)
  mkdirSync(root.path('/run/systemd/system'), { recursive: true })
  mkdirSync(root.path('/run/tandem'), { recursive: true })
  // dpkg takes longer than a line of the state is believed: it is written anew all the time.
  writer?.kill('SIGKILL')
  const encode = join(ROOT, 'dist/wire/state-line.js')
  const line = `{ stamp: 1, word: '${role}', role: '${role}', term: 7, validUntilMs: os.uptime() * 1000 + 8000 }`
  const code = `import os from 'node:os'; import fs from 'node:fs'; import { encodeStateLine } from '${encode}'
    const write = () => fs.writeFileSync('${root.path('/run/tandem/state')}', encodeStateLine(${line}))
    write(); setInterval(write, 500)`
  writer = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
}

function orders(root: DebianRoot): string {
  const path = root.path('/tmp/orders')
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Every module of others is loaded by the Node.js of the package. */
const LOAD_ALL = `cd /usr/lib/tandem && bin/node --input-type=module -e '
  import { readFileSync } from "node:fs"
  for (const name of Object.keys(JSON.parse(readFileSync("package.json")).dependencies)) await import(name)
  const { native } = await import("/usr/lib/tandem/dist/system/native.js")
  console.log("loaded", process.execPath, native.bootTimeMs() > 0)'`

describe.each(RELEASES)('on a plain Debian (%s)', (suite) => {
  test.skipIf(MISSING.get(suite) !== null)(
    'it installs, runs, and is gone when it is purged',
    () => {
      const root = fresh(suite)
      const before = root.files()
      const installed = install(root)
      expect(installed.text).toContain(
        'installed and enabled, not started: this node is not configured yet',
      )
      expect(installed.code).toBe(0)
      expect(existsSync(root.path('/usr/bin/node'))).toBe(false)
      expect(root.files()).toContain('etc/systemd/system/multi-user.target.wants/tandemd.service')

      expect(root.run('tandem --version').text).toContain(`tandem ${VERSION}\n`)
      expect(root.run('ngcp-check-active -v')).toEqual({ code: 2, text: 'unknown\n' })
      expect(root.run('ngcp-make-standby').code).toBe(2)
      expect(root.run(LOAD_ALL).text).toContain('loaded /usr/lib/tandem/bin/node true\n')
      const checked = root.run(
        'tandem key new && tandem check-config --node sp1 --config /usr/share/doc/tandem/examples',
      )
      expect(checked.text).toContain('floating IP  192.0.2.10/24 on eth0')
      expect(checked.text).toMatch(/^no errors/m)
      // An agent of another cluster manager, started through the place where such managers look.
      expect(root.run('/usr/lib/ocf/resource.d/tandem/service meta-data').text).toContain(
        '<resource-agent',
      )

      const removed = root.run('dpkg -r tandem')
      expect(removed.code, removed.text).toBe(0)
      expect(existsSync(root.path('/usr/lib/tandem'))).toBe(false)
      expect(existsSync(root.path('/etc/tandem/key'))).toBe(true)
      const purged = root.run('dpkg -P tandem')
      expect(purged.code, purged.text).toBe(0)
      expect(root.files()).toEqual(before)
    },
  )
})

const FIRST = RELEASES[0]

describe.skipIf(MISSING.get(FIRST) !== null)('what operators have', () => {
  test('outlives an upgrade, and archives outlive the package', () => {
    const root = fresh(FIRST)
    install(root, older)
    appendFileSync(root.path('/etc/profile.d/tandem.sh'), '# ours\n')
    writeFileSync(root.path('/etc/tandem/key'), 'a key\n')
    mkdirSync(root.path('/var/lib/tandem/archive/redis/one'), { recursive: true })
    writeFileSync(root.path('/var/lib/tandem/archive/redis/one/dump.rdb'), 'data')
    writeFileSync(root.path('/var/lib/tandem/history.jsonl'), '{}\n')
    const upgraded = install(root)
    expect(upgraded.code, upgraded.text).toBe(0)
    expect(root.run('dpkg -s tandem').text).toContain(`Version: ${VERSION}-1\n`)
    expect(readFileSync(root.path('/etc/profile.d/tandem.sh'), 'utf8')).toMatch(/# ours\n$/)
    expect(readFileSync(root.path('/etc/tandem/key'), 'utf8')).toBe('a key\n')
    const purged = root.run('dpkg -P tandem')
    expect(purged.text).toContain('kept /var/lib/tandem/archive')
    expect(root.files().filter((path) => /tandem/.test(path))).toEqual([
      'var/lib/tandem',
      'var/lib/tandem/archive',
      'var/lib/tandem/archive/redis',
      'var/lib/tandem/archive/redis/one',
      'var/lib/tandem/archive/redis/one/dump.rdb',
    ])
  })

  test('a node that serves and cannot hand over keeps its agent, through upgrade and removal, unless forced', () => {
    const root = fresh(FIRST)
    install(root, older)
    pretendToRun(root, 'active')
    const upgraded = install(root)
    expect(upgraded.text).toContain('the agent of the version before goes on')
    expect(upgraded.code).toBe(0)
    expect(orders(root)).not.toMatch(/restart|stop/)

    pretendToRun(root, 'active')
    const refused = root.run('dpkg -r tandem')
    expect(refused.text).toContain('not removed: this node serves and the peer does not take over')
    expect(refused.code).not.toBe(0)
    expect(root.run('tandem --version').code).toBe(0)
    expect(orders(root)).not.toMatch(/stop/)

    pretendToRun(root, 'active')
    const forced = root.run('dpkg -r tandem', { TANDEM_REMOVE: 'force' })
    expect(forced.text).toContain('nobody serves from now on')
    expect(forced.code).toBe(0)
    expect(orders(root)).toMatch(/stop .*tandemd\.service/)
  })

  test('a standby is given the new version at once', () => {
    const root = fresh(FIRST)
    install(root, older)
    pretendToRun(root, 'standby')
    expect(install(root).code).toBe(0)
    expect(orders(root)).toMatch(/restart .*tandemd\.service/)
  })
})

test(
  'lintian has nothing to say that is not explained',
  async () => {
    const args = ['--tag-display-limit', '0', '--fail-on', 'error,warning']
    // A package for tests is not compressed.
    const tags = 'uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball'
    const ran = await promisify(execFile)('lintian', [...args, '--suppress-tags', tags, current], {
      timeout: PACKAGE_LIMIT_MS,
    }).catch((error: { stdout?: string }) => error)
    expect(ran.stdout ?? String(ran)).not.toMatch(/^[EW]: /m)
  },
  PACKAGE_LIMIT_MS,
)
