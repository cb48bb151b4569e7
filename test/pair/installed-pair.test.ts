/**
 * Goal: two fresh Debian hosts become a pair by the playbooks, and what is installed then keeps its promises
 * when machines lose power, boot again and are upgraded. Method: two systems that boot with systemd, the
 * package, Ansible over ssh from a third machine, and clients that ask the floating IPs all the time. One
 * story, in order: each part goes on where the one before ended.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyToDisk, writeOnDisk } from '../../src/lab/booted/disk.ts'
import type { BootedNode } from '../../src/lab/booted/node.ts'
import { CLONE, DESK } from '../../src/lab/booted/operator.ts'
import type { BootedPair } from '../../src/lab/booted/pair.ts'
import {
  StandInWatchdog,
  WATCHDOG_DEVICE,
  WATCHDOG_SECONDS,
} from '../../src/lab/booted/watchdog.ts'
import { type LabNodeName, NODE_NAMES, otherNode } from '../../src/lab/plan.ts'
import {
  bootedPair,
  expectDone,
  expectUnchanged,
  figuresText,
  PROFILE,
  PROMISE,
  playbook,
  servedBy,
  statusOf,
  watched,
  whole,
} from '../helpers/booted-stage.ts'
import { reportIn } from '../helpers/drill-stage.ts'
import { commandsBelow, Newcomer } from '../helpers/newcomer.ts'
import { buildPackage } from '../helpers/package-file.ts'
import { until } from '../helpers/until.ts'

const isRoot = process.getuid?.() === 0
let pair: BootedPair
let watchdogs: StandInWatchdog[] = []

describe.skipIf(!isRoot)('a pair that boots, installed by the playbooks', { retry: 0 }, () => {
  beforeAll(async () => {
    pair = await bootedPair('tandempair', {
      more: [`watchdog: {device: ${WATCHDOG_DEVICE}, timeout_seconds: ${WATCHDOG_SECONDS}}`],
    })
    watchdogs = NODE_NAMES.map((name) => new StandInWatchdog(pair.nodes[name]))
    // Later another one is the package of the playbooks.
    pair.operator.take(pair.operator.pathOf(`${DESK}/tandem.deb`), `${DESK}/first.deb`)
  }, 900_000)

  afterAll(async () => {
    process.stderr.write(`an installed pair, profile ${PROFILE}:\n${figuresText()}`)
    for (const watchdog of watchdogs) watchdog.close()
    await pair?.destroy()
  }, 60_000)

  it('a dry run on fresh hosts goes through and leaves them as they are', async () => {
    expectDone(await playbook(pair, 'site.yml --check'))
    for (const node of Object.values(pair.nodes)) {
      expect((await node.run(['sh', '-c', 'command -v tandem'])).ok).toBe(false)
    }
  }, 120_000)

  it("the playbooks are in order for Ansible's own judges", async () => {
    const judged = await pair.operator.run(
      'cd playbooks && yamllint --strict . && ansible-lint --offline',
    )
    expect(judged.ok ? '' : judged.stdout + judged.stderr).toBe('')
  }, 120_000)

  it('one playbook makes two fresh hosts a pair', async () => {
    expectDone(await playbook(pair, 'site.yml'))
    const { active } = await whole(pair)
    const keys = await Promise.all(
      NODE_NAMES.map((name) =>
        pair.nodes[name].run([
          'sh',
          '-c',
          'stat -c "%a %U" /etc/tandem/key; sha256sum /etc/tandem/key',
        ]),
      ),
    )
    expect(keys[0]?.stdout).toMatch(/^600 root\n[0-9a-f]{64} /)
    expect(keys[1]?.stdout).toBe(keys[0]?.stdout)
    const status = await statusOf(pair.nodes[active])
    expect(status?.local.gate).toMatchObject({ kind: 'ebpf', attached: true, weaker: null })
    expect(status?.self.realtime).toBe(true)
    expect(status?.alarms).toEqual([])
  }, 180_000)

  it('a second run changes nothing, and neither does a dry run', async () => {
    expectUnchanged(await playbook(pair, 'site.yml'))
    expectUnchanged(await playbook(pair, 'site.yml --check'))
  }, 180_000)

  it("the platform's own scripts find what they expect, also as another user", async () => {
    const { active, standby } = await whole(pair)
    const lines = [
      // A line of cron, a start script, a test, the older name.
      'if /usr/sbin/ngcp-check-active -q && test -x /bin/true; then echo runs; else echo idle; fi',
      'case "$(ngcp-check-active -v)" in active|transition) echo starts ;; *) echo "stays down" ;; esac',
      '[ "$(ngcp-check-active -v)" = active ] && echo yes || echo no',
      'ngcp-check_active; echo "$?"',
      'ngcp-check-active -p; ngcp-nodename; cat /etc/ngcp_nodename',
    ]
    const said = async (name: LabNodeName): Promise<string[]> => {
      const script = lines.join('\n')
      const command = ['setpriv', '--reuid=65534', '--clear-groups', 'sh', '-c', script]
      const told = await pair.nodes[name].run(command)
      return told.stdout.trim().split('\n')
    }
    expect(await said(active)).toEqual(['runs', 'starts', 'yes', '0', `!${active}`, active])
    const down = ['idle', 'stays down', 'no', '1', `.${standby}`, standby]
    expect(await said(standby)).toEqual(down)
    // Nobody is active as far as a script may know: whoever asks does nothing.
    await pair.nodes[standby].run(['systemctl', 'stop', 'tandemd'])
    expect((await said(standby)).slice(0, 3)).toEqual(down.slice(0, 3))
    await pair.nodes[standby].run(['systemctl', 'start', 'tandemd'])
    expect(await whole(pair)).toEqual({ active, standby })
  }, 120_000)

  it('the standby takes over when the active loses power, which comes back as standby', async () => {
    const { active, standby } = await whole(pair)
    await pair.prober.start()
    await pair.prober.untilServed(1000, 30_000)
    const demand = { outageMs: PROMISE.powerCut, movesMax: 1 }
    const cut = await watched(pair, 'power cut of the active', demand, async () => {
      await pair.nodes[active].powerOff()
      await servedBy(pair, standby)
    }).catch((cause: unknown) => ({ cause }))
    // Also where that was too slow: what comes after is about a whole pair.
    const idle = { outageMs: PROMISE.nothing, movesMax: 0 }
    await watched(pair, 'the dead node boots again', idle, async () => {
      await pair.nodes[active].powerOn()
      expect(await whole(pair)).toEqual({ active: standby, standby: active })
    })
    if ('cause' in cut) throw cut.cause
  }, 180_000)

  it('systemctl stop on the active hands over', async () => {
    const { active, standby } = await whole(pair)
    const demand = { outageMs: PROMISE.move, movesMax: 1 }
    await watched(pair, 'systemctl stop tandemd on the active', demand, async () => {
      expect(await pair.nodes[active].run(['systemctl', 'stop', 'tandemd'])).toMatchObject({
        ok: true,
      })
      await servedBy(pair, standby)
    })
    expect(await pair.nodes[active].run(['systemctl', 'start', 'tandemd'])).toMatchObject({
      ok: true,
    })
    expect(await whole(pair)).toEqual({ active: standby, standby: active })
  }, 120_000)

  it('a reboot of the active hands over before its network goes', async () => {
    const { active, standby } = await whole(pair)
    const demand = { outageMs: PROMISE.move, movesMax: 1 }
    await watched(pair, 'reboot of the active', demand, async () => {
      await pair.nodes[active].reboot()
      expect(await whole(pair)).toEqual({ active: standby, standby: active })
    })
  }, 180_000)

  it('an agent that is killed is started again, and the pair is whole', async () => {
    const { active } = await whole(pair)
    const node = pair.nodes[active]
    const before = (await statusOf(node))?.self.pid
    const demand = { outageMs: PROMISE.agentKilled, movesMax: 1 }
    await watched(pair, 'kill -9 of the agent of the active', demand, async () => {
      await node.run(['systemctl', 'kill', '--signal=KILL', '--kill-whom=main', 'tandemd'])
      await until(async () => ((await statusOf(node))?.self.pid ?? before) !== before)
      await whole(pair)
    })
  }, 120_000)

  it('a machine that hangs as a whole is reset by its watchdog, and comes back as standby', async () => {
    const { active, standby } = await whole(pair)
    const ends = watchdogs.map((watchdog) => watchdog.watch())
    try {
      // Its processes are stopped one after the other, not at one instant.
      const demand = { outageMs: PROMISE.powerCut + 100, movesMax: 1 }
      await watched(pair, 'the machine of the active hangs', demand, async () => {
        pair.nodes[active].hardware.pause()
        await servedBy(pair, standby)
      })
      const idle = { outageMs: PROMISE.nothing, movesMax: 0 }
      await watched(pair, 'its watchdog resets it', idle, async () => {
        await until(async () => watchdogs.some(({ resets }) => resets === 1))
        expect(await whole(pair)).toEqual({ active: standby, standby: active })
      })
      const after = await statusOf(pair.nodes[active])
      expect(after?.watchdog).toMatchObject({ device: WATCHDOG_DEVICE, trouble: null })
      // An agent that is killed is there again in time, and one that is stopped says so.
      await pair.nodes[active].run([
        'systemctl',
        'kill',
        '--signal=KILL',
        '--kill-whom=main',
        'tandemd',
      ])
      await sleep(WATCHDOG_SECONDS * 1000 + 1_000)
      await pair.nodes[active].run(['systemctl', 'stop', 'tandemd'])
      await sleep(WATCHDOG_SECONDS * 1000 + 1_000)
      expect(watchdogs.map(({ resets }) => resets).toSorted()).toEqual([0, 1])
      await pair.nodes[active].run(['systemctl', 'start', 'tandemd'])
      expect(await whole(pair)).toEqual({ active: standby, standby: active })
    } finally {
      await Promise.all(ends.map((end) => end()))
    }
  }, 180_000)

  it('a drill kills the agent that serves, and systemd starts it again', async () => {
    const { active, standby } = await whole(pair)
    const command = ['tandem', 'drill', 'agent-kill', '--yes', '--json']
    const drilled = await pair.nodes[active].run(command, 200_000)
    const report = reportIn(drilled)
    // Not within its bound only where the machine had too much to do.
    expect([0, 5], drilled.stderr + report.reason).toContain(drilled.exitCode)
    expect(report.steps.map(({ sentence }) => sentence).join('\n')).toMatch(
      /kill -9 of the agent, process \d+\n[\s\S]*an agent runs again, process \d+/,
    )
    expect(await whole(pair)).toEqual({ active: standby, standby: active })
  }, 240_000)

  it('an upgrade goes through the standby first and serves all the time', async () => {
    const { standby } = await whole(pair)
    pair.operator.take(await buildPackage('0.1.0-2'), `${DESK}/tandem.deb`)
    const demand = { outageMs: PROMISE.move, movesMax: 1 }
    await watched(pair, 'rolling upgrade of both nodes', demand, async () => {
      expectDone(await playbook(pair, 'upgrade.yml'))
    })
    for (const name of NODE_NAMES) {
      const told = await pair.nodes[name].run(['dpkg-query', '-W', 'tandem'])
      expect(told.stdout).toBe('tandem\t0.1.0-2\n')
    }
    expect(await whole(pair)).toEqual({ active: standby, standby: otherNode(standby) })
    expectUnchanged(await playbook(pair, 'upgrade.yml'))
  }, 300_000)

  it('the role moves by a playbook, and is not moved where the pair is not well', async () => {
    const { active, standby } = await whole(pair)
    const demand = { outageMs: PROMISE.move, movesMax: 1 }
    await watched(pair, 'switchover.yml', demand, async () => {
      expectDone(await playbook(pair, 'switchover.yml'))
    })
    expect(await whole(pair)).toEqual({ active: standby, standby: active })
    expectUnchanged(await playbook(pair, `switchover.yml -e tandem_to=${standby}`))

    await pair.nodes[active].run(['systemctl', 'stop', 'tandemd'])
    const refused = await playbook(pair, 'switchover.yml -e tandem_patience=3')
    expect(refused.exitCode).not.toBe(0)
    expect(refused.text).toContain('is not well after 3 s')
    await pair.nodes[active].run(['systemctl', 'start', 'tandemd'])
    expect(await whole(pair)).toEqual({ active: standby, standby: active })
  }, 180_000)

  it('a playbook drills the pair there and back and fetches the report', async () => {
    const before = await whole(pair)
    expectUnchanged(await playbook(pair, 'drill.yml --check'))
    const drilled = await playbook(pair, 'drill.yml')
    // Not within its bounds only where the machine had too much to do; the report is there all the same.
    if (drilled.exitCode !== 0) expect(drilled.text).toContain(', bound ')
    const report = join(pair.operator.pathOf(`${CLONE}/playbooks/drills`), before.active)
    expect(readFileSync(join(report, 'var/lib/tandem/drill.html'), 'utf8')).toMatch(
      /^<!doctype html>/i,
    )
    expect(await whole(pair)).toEqual(before)
  }, 240_000)

  it('a backup brings what is needed to set the pair up again, and nothing that may not come back', async () => {
    expectDone(await playbook(pair, 'backup.yml'))
    const backup = pair.operator.pathOf(`${DESK}/backup`)
    expect(statSync(backup).mode & 0o777).toBe(0o700)
    for (const name of NODE_NAMES) {
      const fetched = readdirSync(join(backup, name), { recursive: true, encoding: 'utf8' })
      expect(fetched).toEqual(
        expect.arrayContaining([
          'etc/tandem/key',
          'etc/ngcp-config/config.yml',
          'etc/ngcp-config/network.yml',
        ]),
      )
      expect(fetched).not.toContain('var/lib/tandem/hard-state')
    }
    const keys = NODE_NAMES.map((name) =>
      readFileSync(join(backup, name, 'etc/tandem/key'), 'utf8'),
    )
    expect(keys[0]).toBe(keys[1])
  }, 120_000)

  it('the package is removed only when that is said, and purged without a trace', async () => {
    const refused = await playbook(pair, 'uninstall.yml')
    expect(refused.exitCode).not.toBe(0)
    expect(refused.text).toContain('nobody serves afterwards')
    await whole(pair)

    expectDone(
      await playbook(pair, 'uninstall.yml -e tandem_confirm=uninstall -e tandem_purge=true'),
    )
    for (const node of Object.values(pair.nodes)) {
      expect(await tracesOn(node)).toBe('')
    }
  }, 180_000)

  it('what the README says by hand makes two bare hosts a pair, and one move shows it', async () => {
    const newcomer = new Newcomer()
    const { sp1, sp2 } = pair.nodes
    const [install = '', makeKey = '', check = '', start = '', ...more] = commandsBelow('Install')
    expect([install, makeKey, check, start, ...more]).toEqual([
      expect.stringMatching(/^apt-get install \.\/tandem_\S+\.deb$/),
      'tandem key new',
      'tandem check-config',
      'systemctl start tandemd',
    ])
    const file = install.replace(/.*\.\//, '')
    const platform = pair.operator.pathOf(`${DESK}/platform`)
    newcomer.remark(`${file} was copied to both hosts`)
    for (const node of [sp1, sp2]) {
      copyToDisk(node.root, pair.operator.pathOf(`${DESK}/first.deb`), `/root/${file}`)
      await newcomer.type(node, install)
      for (const name of ['config.yml', 'network.yml']) {
        copyToDisk(node.root, join(platform, name), `/etc/ngcp-config/${name}`)
      }
    }
    newcomer.remark("the platform's config.yml and network.yml are in /etc/ngcp-config of both")
    await newcomer.type(sp1, makeKey)
    newcomer.remark('/etc/tandem/key was copied from sp1 to sp2')
    writeOnDisk(
      sp2.root,
      '/etc/tandem/key',
      readFileSync(join(sp1.root, '/etc/tandem/key'), 'utf8'),
      0o600,
    )
    for (const node of [sp1, sp2]) await newcomer.type(node, check)
    for (const node of [sp1, sp2]) await newcomer.type(node, start)
    const { active, standby } = await whole(pair)
    await newcomer.type(pair.nodes[active], 'tandem status')
    await newcomer.type(pair.nodes[active], 'ngcp-make-standby')
    expect(await whole(pair)).toEqual({ active: standby, standby: active })
    expect(await newcomer.type(pair.nodes[standby], 'ngcp-check-active -v')).toBe('active\n')
    process.stderr.write(`a newcomer with the README:\n${newcomer.transcript}\n`)
  }, 240_000)
})

/** What is left of Tandem on a node, one line each: files, processes, mounts, filters, addresses. */
async function tracesOn(node: BootedNode): Promise<string> {
  const looks = [
    // Logs are the host's.
    "find / -xdev -iname '*tandem*' -not -path '/var/log/*'",
    'find /etc/ngcp_nodename',
    'pgrep -af /usr/lib/[t]andem',
    "awk '$5 ~ /tandem/' /proc/self/mountinfo",
    // An empty clsact does nothing, and others may have put it there before us.
    'for to in "lo egress" "eth0 ingress" "eth0 egress" "eth1 ingress"; do tc filter show dev $to; done',
    "systemctl list-units --all --no-legend 'tandem*'",
    "ip -o addr show | grep -E '10[.]71[.]0[.]50|fd71::50'",
  ]
  // Each in a shell of its own: one that looks for processes must not find the others.
  const told = await Promise.all(looks.map((look) => node.run(['sh', '-c', look])))
  return told.map(({ stdout }) => stdout).join('')
}
