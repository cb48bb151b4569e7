/**
 * Goal: whoever runs a service keeps the promises of one, and what we start has nothing of us and outlives
 * us. Method: one suite over a process of our own, a real monit, a real OCF agent of Debian and a stand-in
 * for systemctl (no systemd runs in tests); what is special to one of them after that.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessId } from '../../src/resources/service.ts'
import { CommandService } from '../../src/resources/service-child.ts'
import type { CommandServiceConfig } from '../../src/resources/service-config.ts'
import { OcfService } from '../../src/resources/service-ocf.ts'
import { inspectService, openService } from '../../src/resources/service-open.ts'
import { SystemdService } from '../../src/resources/service-systemd.ts'
import { native } from '../../src/system/native.ts'
import { lookAtProcess } from '../../src/system/process.ts'
import { servicePromises } from '../contract/service.ts'
import { commandStage, monitStage, ocfStage, systemdStage } from '../helpers/service-stages.ts'
import { until } from '../helpers/until.ts'

const BUILT = join(import.meta.dirname, '../../dist/resources/service-child.js')
const STAND_IN = join(import.meta.dirname, '../fixtures/services/systemctl-stand-in')

/** The project's own set-up of a machine installs both. */
const MONIT_MISSING = !['/usr/bin/monit', '/usr/sbin/monit'].some((path) => existsSync(path))
const AGENTS_MISSING = !existsSync('/usr/lib/ocf/resource.d/heartbeat/anything')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-backends-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a process of our own', () => {
  servicePromises({
    stage: commandStage,
    knowsProcesses: true,
    endsChildren: true,
    toldWithinMs: 200,
    missing: ['HA_SERVICE_MISSING'],
  })
})

describe.skipIf(MONIT_MISSING)('a process that a real monit looks after', () => {
  servicePromises({
    stage: monitStage,
    knowsProcesses: true,
    endsChildren: true,
    toldWithinMs: 200,
    missing: ['HA_SERVICE_FAILED'],
  })
})

describe.skipIf(AGENTS_MISSING)('a resource of the real OCF agent "anything"', () => {
  servicePromises({
    stage: ocfStage,
    knowsProcesses: false,
    // The agent ends its main process alone.
    endsChildren: false,
    toldWithinMs: 2000,
    // This agent says that it started whatever it is to start.
    missing: [],
  })
})

describe('a unit, over a stand-in for systemctl', () => {
  servicePromises({
    stage: systemdStage,
    knowsProcesses: true,
    endsChildren: true,
    toldWithinMs: 200,
    missing: ['HA_SERVICE_MISSING'],
  })
})

let count = 0
function configOf(changes: Partial<CommandServiceConfig> = {}): CommandServiceConfig {
  count += 1
  return {
    name: 'lb',
    kind: 'command',
    argv: ['sleep', '3600'],
    directory,
    environment: {},
    user: null,
    logFile: join(directory, `${count}.log`),
    graceMs: 500,
    ...changes,
  }
}

/** What a process has that it may have from whoever started it. */
function belongings(pid: number): object {
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  const limit = (name: string): string[] =>
    new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(read('limits'))!.slice(1)
  const stat = read('stat')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      .sort(),
    outOfMemoryScore: read('oom_score_adj').trim(),
    policy: fields[38],
    priority: fields[37],
    lockedMemory: /^VmLck:\s*(.*)$/m.exec(read('status'))![1],
    ignoredSignals: /^SigIgn:\s*(.*)$/m.exec(read('status'))![1],
    blockedSignals: /^SigBlk:\s*(.*)$/m.exec(read('status'))![1],
    realTimeLimit: limit('Max realtime priority'),
    lockLimit: limit('Max locked memory'),
    session: fields[3],
  }
}

/**
 * An agent in a process of its own: spared by the kernel, in the real-time class, its memory locked, with a
 * socket that a library left open to programs. It starts the service and then waits for its death.
 */
async function dyingAgent(
  config: CommandServiceConfig,
): Promise<{ agent: ChildProcess; id: ProcessId }> {
  const system = new URL('../system/native.js', pathToFileURL(BUILT)).href
  const root = join(import.meta.dirname, '../..')
  const script = `
    import { createRequire } from 'node:module'
    import { CommandService } from ${JSON.stringify(pathToFileURL(BUILT).href)}
    import { native } from ${JSON.stringify(system)}
    const raw = createRequire(${JSON.stringify(`${root}/`)})('raw-socket').createSocket({ protocol: 1 })
    native.setRealtime(5)
    native.lockMemory()
    const service = new CommandService(${JSON.stringify(config)})
    const started = await service.start(5000)
    console.log(JSON.stringify(started.ok ? service.record() : started))
    setInterval(() => raw, 1000)`
  const runner = join(directory, 'agent.mjs')
  writeFileSync(runner, script)
  // As its unit would have it; where we may not (containers), at least another score than a fresh one's.
  const beAgent = `
    prlimit --pid $$ --rtprio=50 --memlock=unlimited 2>/dev/null
    echo -900 2>/dev/null >/proc/self/oom_score_adj || echo 500 >/proc/self/oom_score_adj
    exec "$@"`
  const agent = spawn('sh', ['-c', beAgent, 'sh', process.execPath, runner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(agent.stdout!.setEncoding('utf8'), 'data')) as [string]
  return { agent, id: JSON.parse(line) as ProcessId }
}

describe('what we start', () => {
  test('has nothing of an agent in the real-time class, and goes on when that is killed', async () => {
    const config = configOf()
    const { agent, id } = await dyingAgent(config)
    const pid = Number(id.pid)
    const next = new CommandService(config)
    try {
      expect(belongings(pid)).toEqual({
        descriptors: ['/dev/null', config.logFile, config.logFile],
        outOfMemoryScore: '0',
        policy: '0',
        priority: '0',
        lockedMemory: '0 kB',
        ignoredSignals: '0000000000000000',
        blockedSignals: '0000000000000000',
        realTimeLimit: ['0', '0'],
        lockLimit: ['8388608', '8388608'],
        session: String(pid),
      })
      agent.kill('SIGKILL')
      await once(agent, 'exit')
      let ends = 0
      next.onEnd(() => {
        ends += 1
      })
      expect(await next.adopt(id)).toBe(true)
      expect(await next.look(1000)).toMatchObject({
        ok: true,
        value: { state: 'running', main: id, pids: [pid] },
      })
      const killedMs = performance.now()
      process.kill(pid, 'SIGKILL')
      await until(async () => ends === 1, 2000)
      expect(performance.now() - killedMs).toBeLessThan(200)
    } finally {
      agent.kill('SIGKILL')
      await next.adopt(id)
      await next.stop(2000)
      next.close()
    }
  })

  test('from a worker thread is heard of there, and outlives that thread', async () => {
    const configs = [configOf({ argv: ['sh', '-c', 'sleep 0.5; exit 4'] }), configOf()]
    const script = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(${JSON.stringify(pathToFileURL(BUILT).href)}).then(async ({ CommandService }) => {
        const [first, second] = workerData.map((config) => new CommandService(config))
        first.onEnd(async () => parentPort.postMessage((await first.look(1000)).value.detail))
        for (const service of [first, second]) await service.start(5000)
        parentPort.postMessage(second.record())
      })`
    const worker = new Worker(script, { eval: true, workerData: configs })
    const said: unknown[] = []
    worker.on('message', (word) => said.push(word))
    await until(async () => said.length === 2, 10_000)
    await worker.terminate()
    expect(said[1]).toBe('it ended by itself with exit code 4')
    const next = new CommandService(configs[1]!)
    expect(await next.adopt(said[0] as ProcessId)).toBe(true)
    expect(await next.stop(3000)).toMatchObject({ ok: true })
    next.close()
  })

  test('runs as its user, with all the groups of that', async () => {
    const name = `tandem-test-${process.pid}`
    execFileSync('useradd', ['--no-create-home', '--groups', 'audio,video', name])
    const service = new CommandService(
      configOf({ user: name, argv: ['sh', '-c', 'id; echo "$HOME $USER"; exec sleep 3600'] }),
    )
    try {
      expect(await service.start(3000)).toMatchObject({ ok: true })
      const log = join(directory, `${count}.log`)
      await until(async () => readFileSync(log, 'utf8').split('\n').length > 2, 2000)
      const words = execFileSync('id', [name], { encoding: 'utf8' })
      expect(readFileSync(log, 'utf8')).toBe(`${words}/home/${name} ${name}\n`)
      const { pid } = service.record()!
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^CapEff:\s*0+$/m)
    } finally {
      await service.stop(3000)
      service.close()
      execFileSync('userdel', ['--force', name])
    }
  })

  test.skipIf(AGENTS_MISSING)('started by an OCF agent has nothing of ours either', async () => {
    mkdirSync('/run/resource-agents', { recursive: true })
    native.setRealtime(3)
    writeFileSync('/proc/self/oom_score_adj', '500')
    const stage = await ocfStage('plain')
    try {
      expect(await stage.service.start(8000)).toMatchObject({ ok: true })
      const pid = await until(
        async () => existsSync(stage.readyFile) && Number(readFileSync(stage.readyFile, 'utf8')),
        5000,
      )
      expect(belongings(pid)).toMatchObject({
        outOfMemoryScore: '0',
        policy: '0',
        realTimeLimit: ['0', '0'],
      })
    } finally {
      native.setNormal()
      writeFileSync('/proc/self/oom_score_adj', '0')
      await stage.remove()
    }
  })
})

describe.skipIf(MONIT_MISSING)('what a real monit may start by itself', () => {
  test.each<[string, string[], string[]]>([
    ['as monit has it by default', [], ['lb-of-test onreboot', 'lb-of-test mode']],
    ['as it should be', ['mode passive', 'onreboot nostart'], []],
  ])('is something to mend: %s', async (_how, lines, settings) => {
    const stage = await monitStage('plain', lines)
    try {
      const found = await inspectService(stage.config, 3000)
      expect(found.ok && found.value.map(({ setting }) => setting)).toEqual(settings)
    } finally {
      stage.service.close()
      await stage.remove()
    }
  })
})

describe.skipIf(AGENTS_MISSING)('an OCF agent', () => {
  test('of Debian without a program keeps its state as well', async () => {
    mkdirSync('/run/resource-agents', { recursive: true })
    const parameters = { state: join(directory, 'dummy.state') }
    const service = openService({
      name: 'dummy',
      kind: 'ocf',
      provider: 'heartbeat',
      agent: 'Dummy',
      parameters,
    })
    const state = async (): Promise<string> => {
      const looked = await service.look(8000)
      return looked.ok ? looked.value.state : looked.fault.message
    }
    expect(await state()).toBe('stopped')
    expect(await service.start(8000)).toMatchObject({ ok: true })
    expect(await state()).toBe('running')
    rmSync(parameters.state)
    expect(await state()).toBe('stopped')
    expect(await service.stop(8000)).toMatchObject({ ok: true })
    service.close()
  })

  test('that finds its configuration wrong is a fault with what it said', async () => {
    mkdirSync('/run/resource-agents', { recursive: true })
    const service = new OcfService({
      name: 'lb',
      kind: 'ocf',
      provider: 'heartbeat',
      agent: 'IPaddr2',
      parameters: { ip: 'no-address' },
    })
    const started = await service.start(8000)
    expect(started).toMatchObject({ ok: false, fault: { code: 'HA_SERVICE_REFUSED' } })
    expect(started.ok ? '' : started.fault.message).toMatch(
      /^start of lb: the agent ocf:heartbeat:IPaddr2 ended with 6 \(not configured correctly\): .+$/,
    )
  })
})

describe('a unit', () => {
  function unit(facts: object, cgroupRoot = join(directory, 'cgroup')): SystemdService {
    const systemctl = join(directory, 'systemctl')
    writeFileSync(systemctl, `#!/bin/sh\nexec ${STAND_IN} ${directory} "$@"\n`, { mode: 0o755 })
    writeFileSync(join(directory, 'x.service.json'), JSON.stringify(facts))
    for (const field of ['pid', 'end', 'starts']) {
      rmSync(join(directory, `x.service.${field}`), { force: true })
    }
    const doors = { systemctl, cgroupRoot }
    return new SystemdService({ name: 'lb', kind: 'systemd', unit: 'x' }, doors)
  }

  test.each([
    ['masked', 'unit x is masked: systemctl unmask x'],
    ['not-found', 'there is no unit x on this host: install its package or mend the name'],
  ])('that is %s is one fault for looks and starts, and is stopped', async (load, message) => {
    const service = unit({ load })
    for (const call of ['look', 'start'] as const) {
      expect(await service[call](3000)).toMatchObject({
        ok: false,
        fault: { code: 'HA_SERVICE_MISSING', message },
      })
    }
    expect(await service.stop(3000)).toMatchObject({ ok: true })
  })

  test('that failed too often for systemd is started all the same, each time', async () => {
    const runs = join(directory, 'runs')
    const service = unit({ argv: ['sh', '-c', `echo run >>${runs}; exit 1`], type: 'exec' })
    for (let time = 1; time <= 7; time += 1) {
      const started = await service.start(5000)
      if (!started.ok) expect(started.fault.code).toBe('HA_SERVICE_FAILED')
      await until(async () => readFileSync(runs, 'utf8') === 'run\n'.repeat(time), 2000)
      await until(async () => {
        const looked = await service.look(2000)
        return looked.ok && looked.value.state === 'failed'
      }, 2000)
    }
  })

  test('that ignores SIGTERM is ended by systemctl where its control group cannot be seen', async () => {
    const ready = join(directory, 'deaf')
    const script = `trap '' TERM; echo $$ >${ready}; while :; do sleep 1; done`
    const service = unit({ argv: ['sh', '-c', script], type: 'exec' }, join(directory, 'none'))
    expect(await service.start(3000)).toMatchObject({ ok: true })
    const pid = await until(
      async () => existsSync(ready) && Number(readFileSync(ready, 'utf8')),
      2000,
    )
    const stopped = await service.stop(4000)
    const left = lookAtProcess(pid)?.zombie === false
    if (left) process.kill(pid, 'SIGKILL')
    expect([stopped.ok, left]).toEqual([true, false])
  })

  test('of the type simple, whose program is missing, is a fault though systemctl found nothing', async () => {
    const service = unit({ argv: ['/no/such'], type: 'simple' })
    expect(await service.start(3000)).toMatchObject({
      ok: false,
      fault: {
        code: 'HA_SERVICE_MISSING',
        message:
          'start of lb: unit x is failed (failed), result exit-code 203; see journalctl -u x',
      },
    })
  })

  test('that systemd starts by itself is something to mend', async () => {
    const wrong = { file_state: 'enabled', wanted_by: 'multi-user.target', restart: 'always' }
    const found = await unit({ argv: ['sleep'], ...wrong }).inspect(3000)
    expect(found.ok && found.value.map(({ setting }) => setting)).toEqual([
      'x at boot',
      'x Restart=',
    ])
  })

  test('on a host without systemctl is a fault that says what to do', async () => {
    const doors = { systemctl: join(directory, 'none'), cgroupRoot: '/sys/fs/cgroup' }
    const service = new SystemdService({ name: 'lb', kind: 'systemd', unit: 'x' }, doors)
    expect(await service.look(1000)).toMatchObject({
      ok: false,
      fault: {
        code: 'HA_SERVICE_MISSING',
        message:
          'look of lb: systemctl is not installed: this host has no systemd, use another kind of service',
      },
    })
  })
})

test('no process of these tests is left', () => {
  const mine = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => lookAtProcess(Number(name))?.zombie === false)
    .filter((name) => {
      const path = `/proc/${name}/cmdline`
      return existsSync(path) && readFileSync(path, 'utf8').includes('tandem-service-')
    })
  expect(mine).toEqual([])
})
