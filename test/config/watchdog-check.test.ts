/**
 * Goal: a watchdog that cannot be had is named before the agent starts, without opening it. Method: /dev and /proc
 * under a root of the test's, with links as the kernel makes them.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { Findings } from '../../src/config/finding.ts'
import { checkWatchdog } from '../../src/config/watchdog-check.ts'
import { linesOf } from '../helpers/config-case.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-watchdog-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(file: string, text = ''): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

function runs(pid: number, name: string, opened: string): void {
  put(`proc/${pid}/comm`, `${name}\n`)
  mkdirSync(join(root, `proc/${pid}/fd`))
  symlinkSync('/dev/null', join(root, `proc/${pid}/fd/0`))
  symlinkSync(opened, join(root, `proc/${pid}/fd/3`))
}

async function said(device = '/dev/watchdog'): Promise<string[]> {
  const findings = new Findings()
  const watchdog = { device, timeoutSeconds: 20 }
  await checkWatchdog({ watchdog } as PairConfig, findings, root)
  return linesOf(findings.all)
}

const MISSING =
  'warning /dev/watchdog  is not there: a machine that hangs will not be reset -> ' +
  'load the module of its driver (modprobe softdog where there is no hardware), or remove tandem.watchdog'

test('one that is not there is a warning', async () => {
  expect(await said()).toEqual([MISSING])
  put('dev/watchdog')
  expect(await said()).toEqual([])
})

test('nobody who asks for none is told anything', async () => {
  const findings = new Findings()
  await checkWatchdog({ watchdog: null } as PairConfig, findings, root)
  expect(findings.all).toEqual([])
})

test.each([
  [
    'systemd',
    '/dev/watchdog0',
    'set RuntimeWatchdogSec=off in /etc/systemd/system.conf, then systemctl daemon-reexec',
  ],
  ['watchdog', '/dev/watchdog', 'systemctl disable --now watchdog wd_keepalive'],
  ['wd_keepalive', '/dev/watchdog', 'systemctl disable --now watchdog wd_keepalive'],
  ['sbd', '/dev/watchdog', 'systemctl disable --now sbd'],
])('%s that holds it is named, with how it gives it back', async (name, opened, mend) => {
  put('dev/watchdog')
  runs(17, name, opened)
  expect(await said()).toEqual([
    `warning /dev/watchdog  is held by ${name} (process 17): the agent cannot have it -> ${mend}`,
  ])
})

test('who holds another one, or is our own agent, is no trouble', async () => {
  put('dev/watchdog')
  put('dev/watchdog1')
  runs(1, 'systemd', '/dev/watchdog')
  runs(18, 'node', '/dev/watchdog1')
  expect(await said('/dev/watchdog1')).toEqual([])
})
