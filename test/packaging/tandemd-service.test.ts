/**
 * Goal: what the unit runs is there: the program, and the helper that clears away what a dead agent left,
 * which finds its lists where the agent writes them.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CONFIG, judgeTexts } from '../helpers/config-case.ts'

const ROOT = join(import.meta.dirname, '../..')
const UNIT = readFileSync(join(ROOT, 'systemd/tandemd.service'), 'utf8')

function valuesOf(key: string): string[] {
  return [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')
}

test('after the end of the agent the helper runs first, which exists and can be run', () => {
  expect(valuesOf('ExecStopPost')[0]).toBe('/usr/lib/tandem/agents/release')
  for (const file of ['release', 'floating-ip', 'redis', 'mariadb']) {
    accessSync(join(ROOT, 'agents', file), constants.X_OK)
  }
})

test('the helper looks where the agent of the unit writes, and the lists outlive the agent', () => {
  const release = readFileSync(join(ROOT, 'agents/release'), 'utf8')
  const [directory] = valuesOf('RuntimeDirectory')
  expect(release).toContain(`run=\${TANDEM_RUN:-/run/${directory}}\n`)
  expect(valuesOf('RuntimeDirectoryPreserve')).toEqual(['yes'])
  // No option moves it elsewhere.
  expect(valuesOf('ExecStart')).toEqual(['/usr/bin/tandem agent'])
})

test('what the unit brings along is there, and stops before the agent and what it works with', () => {
  const handover = readFileSync(join(ROOT, 'systemd/tandem-handover.service'), 'utf8')
  expect(valuesOf('Wants')[0]?.split(' ')).toContain('tandem-handover.service')
  const after = [...handover.matchAll(/^After=(.*)$/gm)].flatMap(([, names]) => names?.split(' '))
  for (const name of ['tandemd', 'mariadb', 'redis-server', 'rtpengine-daemon', 'kamailio']) {
    expect(after).toContain(`${name}.service`)
  }
  expect(after).toContain('network.target')
  // The agent waits for none of them at a boot.
  expect(valuesOf('After')).toEqual(['network-online.target nftables.service'])
})

test('a hardware watchdog waits until systemd had its turn with an agent that hangs', () => {
  const seconds = (key: string): number => Number(/^(\d+)s$/.exec(valuesOf(key)[0] ?? '')?.[1])
  const { config } = judgeTexts({ config: `${CONFIG}  watchdog: yes\n` })
  // A word each 2 s before it hangs; clearing away, and a start that operators are answered at.
  const around = 2 + 2 + 2
  const turn = seconds('WatchdogSec') + seconds('TimeoutAbortSec') + around
  expect(turn).toBeLessThanOrEqual(config?.watchdog?.timeoutSeconds ?? 0)
})

test('no device is kept from the agent: one that is allowed would be the only one', () => {
  expect(UNIT).not.toMatch(/^(DeviceAllow|DevicePolicy|PrivateDevices)=/m)
})
