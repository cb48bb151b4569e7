/**
 * Goal: another manager that claims our floating IPs is named with its file and what to type; one with addresses of
 * its own is not. Method: files as those programs have them, under a root of the test's.
 */
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { Findings } from '../../src/config/finding.ts'
import { findRivals } from '../../src/config/rival-managers.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-rivals-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const CONFIG = {
  floatingIps: [{ address: '10.0.0.50' }, { address: 'fd00::50' }],
} as unknown as PairConfig

function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

async function found(place = root): Promise<string[]> {
  const findings = new Findings()
  await findRivals(CONFIG, findings, place)
  expect(findings.failed).toBe(false)
  return findings.all.map(({ file, why, mend }) => `${file.slice(place.length)}: ${why} -> ${mend}`)
}

const KEEPALIVED = (address: string) => `
! 10.0.0.50 in a comment
vrrp_instance VI_1 {
  virtual_ipaddress {
    10.9.9.9/24 dev eth0
    ${address} dev eth0 label eth0:0
  }
  track_interface { eth0 }
}`

describe('another manager of addresses', () => {
  test.each([
    [
      'etc/keepalived/keepalived.conf',
      KEEPALIVED('10.0.0.50/24'),
      'keepalived',
      '10.0.0.50',
      'keepalived',
    ],
    [
      'etc/keepalived/conf.d/a.conf',
      KEEPALIVED('fd00:0::50/64'),
      'keepalived',
      'fd00::50',
      'keepalived',
    ],
    [
      'etc/ha.d/haresources',
      'sp1 \\\n  IPaddr2::10.0.0.50/24/eth0 monit\n',
      'heartbeat',
      '10.0.0.50',
      'heartbeat',
    ],
    ['etc/ha.d/haresources', 'sp1 10.0.0.50 monit\n', 'heartbeat', '10.0.0.50', 'heartbeat'],
    [
      'var/lib/pacemaker/cib/cib.xml',
      '<nvpair id="vip-ip" name="ip" value="10.0.0.50"/><nvpair name="cidr_netmask" value="24"/>',
      'Pacemaker',
      '10.0.0.50',
      'pacemaker corosync',
    ],
  ])('is named by %s', async (file, text, name, address, units) => {
    put(file, text)
    expect(await found()).toEqual([
      `/${file}: ${name} would put on an interface ${address}, which is ours to move: both nodes could have it at ` +
        `once -> systemctl disable --now ${units}`,
    ])
  })

  test('is named by the lines of ifupdown', async () => {
    put('etc/network/interfaces.d/eth0', 'iface eth0 inet static\n  ucarp-vip 10.0.0.50\n')
    expect(await found()).toEqual([
      expect.stringMatching(/^\/etc\/network\/interfaces\.d\/eth0: ucarp would put/),
    ])
  })

  test('with other addresses, or with ours in comments, is left alone', async () => {
    put('etc/keepalived/keepalived.conf', KEEPALIVED('10.0.0.51'))
    put('etc/ha.d/haresources', '# sp1 10.0.0.50\nsp1 10.0.0.5 drbddisk::r0\n')
    put('var/lib/pacemaker/cib/cib.xml', '<nvpair id="10.0.0.50" name="host" value="10.0.0.50"/>')
    expect(await found()).toEqual([])
  })

  test('that runs is said to run, and by hand on the command line as well', async () => {
    put('etc/keepalived/keepalived.conf', KEEPALIVED('10.0.0.50'))
    symlinkSync('/proc', join(root, 'proc'))
    // Programs that do nothing, under the names that are looked for.
    const tail = execFileSync('which', ['tail'], { encoding: 'utf8' }).trim()
    for (const name of ['keepalived', 'ucarp']) copyFileSync(tail, join(root, name))
    writeFileSync(join(root, '--addr=10.0.0.50'), '')
    const children = [
      spawn(join(root, 'keepalived'), ['-f', '/dev/null']),
      spawn(join(root, 'ucarp'), ['-f', '--', '--addr=10.0.0.50'], { cwd: root }),
    ]
    try {
      await expect
        .poll(found, { timeout: 10_000 })
        .toEqual([
          expect.stringMatching(
            /keepalived\.conf: keepalived runs, and puts on an interface 10\.0\.0\.50/,
          ),
          expect.stringMatching(/ucarp runs, and puts on an interface 10\.0\.0\.50/),
        ])
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  })
})
