/**
 * Services for tests, one stage for each kind: the program of test/fixtures/services run as a process of
 * our own, by a real monit with a configuration of its own, by a real OCF agent of Debian, and by a stand-in
 * for systemctl. Each in a directory of its own, and all gone after `remove`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandService } from '../../src/resources/service-child.ts'
import type { MonitServiceConfig } from '../../src/resources/service-config.ts'
import { MonitService } from '../../src/resources/service-monit.ts'
import { OcfService } from '../../src/resources/service-ocf.ts'
import { SystemdService } from '../../src/resources/service-systemd.ts'
import { processTable } from '../../src/system/process-table.ts'
import type { Program, ServiceStage } from '../contract/service.ts'
import { until } from './until.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/services')
const PROGRAM = join(FIXTURES, 'program.sh')
const PASSWORD = 'not "for" others'

/** Where agents of Debian keep what they remember; systemd makes it at boot, where there is one. */
const OCF_STATE = '/run/resource-agents'

interface Place {
  directory: string
  readyFile: string
  argv: string[]
  /** Kills what runs from it, whoever started it. */
  clear(): void
}

function place(program: Program): Place {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-service-'))
  const readyFile = join(directory, 'ready')
  const path = program === 'missing' ? join(directory, 'no-such-program') : PROGRAM
  return {
    directory,
    readyFile,
    argv: [path, program, readyFile],
    clear() {
      const { pid: ours } = process
      for (const { pid } of processTable()) {
        // The directory stands in the words of each of them but of what replaced the program.
        const named = commandLine(pid).includes(directory) || Number(readText(readyFile)) === pid
        if (pid !== ours && named) kill(pid)
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function commandLine(pid: number): string {
  return readText(`/proc/${pid}/cmdline`)
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Ended meanwhile.
  }
}

/** A process of our own. */
export async function commandStage(program: Program): Promise<ServiceStage> {
  const { directory, readyFile, argv, clear } = place(program)
  const service = new CommandService({
    name: 'lb',
    kind: 'command',
    argv,
    directory,
    environment: {},
    user: null,
    logFile: join(directory, 'log'),
    graceMs: 500,
  })
  const remove = async (): Promise<void> => {
    await service.stop(2000)
    clear()
  }
  return { service, readyFile, silence: null, remove }
}

/** A unit, over the stand-in. */
export async function systemdStage(program: Program): Promise<ServiceStage> {
  const { directory, readyFile, argv, clear } = place(program)
  const systemctl = join(directory, 'systemctl')
  const standIn = join(FIXTURES, 'systemctl-stand-in')
  writeFileSync(systemctl, `#!/bin/sh\nexec ${standIn} ${directory} "$@"\n`, { mode: 0o755 })
  const describe = (more: object): void => {
    const unit = { argv, type: 'exec', timeout_stop: 90, ...more }
    writeFileSync(join(directory, 'lb.service.json'), JSON.stringify(unit))
  }
  describe({})
  const service = new SystemdService(
    { name: 'lb', kind: 'systemd', unit: 'lb' },
    { systemctl, cgroupRoot: join(directory, 'cgroup') },
  )
  const remove = async (): Promise<void> => {
    describe({})
    await service.stop(3000)
    clear()
  }
  return { service, readyFile, silence: async () => describe({ silent: true }), remove }
}

/**
 * A process that a monit of its own looks after, over a unix socket.
 *
 * @param lines  of its `check process`; as operators are told to write them
 */
export async function monitStage(
  program: Program,
  lines: readonly string[] = ['mode passive', 'onreboot nostart'],
): Promise<ServiceStage & { config: MonitServiceConfig }> {
  const { directory, readyFile, argv, clear } = place(program)
  const pidFile = join(directory, 'pid')
  const script = (name: string, lines: string): string => {
    const path = join(directory, name)
    writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
    return path
  }
  // Its start returns when the program runs, as that of a daemon does.
  const start = script(
    'start',
    `[ -x ${argv[0]} ] || { echo no program >&2; exit 1; }\nsetsid ${argv.join(' ')} >/dev/null 2>&1 </dev/null &\necho $! >${pidFile}`,
  )
  const stop = script('stop', `kill -TERM "$(cat ${pidFile})"`)
  const config: MonitServiceConfig = {
    name: 'lb',
    kind: 'monit',
    monitName: 'lb-of-test',
    user: 'tandem',
    passwordFile: join(directory, 'password'),
    socketPath: join(directory, 'socket'),
  }
  writeFileSync(config.passwordFile, `${PASSWORD}\n`, { mode: 0o600 })
  const control = join(directory, 'monitrc')
  const controls = [
    'set daemon 1',
    `set log ${join(directory, 'monit.log')}`,
    ...['pidfile', 'idfile', 'statefile'].map((kind) => `set ${kind} ${join(directory, kind)}`),
    'set httpd',
    `  unixsocket ${config.socketPath}`,
    `  allow ${config.user}:'${PASSWORD}'`,
    `check process ${config.monitName} with pidfile ${pidFile}`,
    `  start program = "${start}" with timeout 2 seconds`,
    `  stop program = "${stop}" with timeout 2 seconds`,
    ...lines.map((line) => `  ${line}`),
    '',
  ]
  writeFileSync(control, controls.join('\n'), { mode: 0o600 })
  const monit = spawn('monit', ['-I', '-c', control], { stdio: 'ignore' })
  await until(() => answers(config.socketPath), 10_000)
  const service = new MonitService(config)
  const remove = async (): Promise<void> => {
    monit.kill('SIGKILL')
    await ended(monit)
    clear()
  }
  const silence = async (): Promise<void> => {
    monit.kill('SIGSTOP')
    await until(async () => isStopped(monit.pid!), 5000)
  }
  return { service, readyFile, silence, remove, config }
}

async function answers(path: string): Promise<boolean> {
  if (!existsSync(path)) return false
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Whether all its threads stand still; they are stopped one by one. */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readText(`/proc/${pid}/task/${thread}/stat`)
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** A process that Debian's agent `anything` runs. */
export async function ocfStage(program: Program): Promise<ServiceStage> {
  const { directory, readyFile, argv, clear } = place(program)
  mkdirSync(OCF_STATE, { recursive: true, mode: 0o755 })
  const [binfile, ...words] = argv
  const service = new OcfService({
    name: 'lb',
    kind: 'ocf',
    provider: 'heartbeat',
    agent: 'anything',
    parameters: {
      binfile: binfile!,
      cmdline_options: words.join(' '),
      pidfile: join(directory, 'pid'),
      logfile: join(directory, 'log'),
      errlogfile: join(directory, 'log'),
    },
  })
  const remove = async (): Promise<void> => {
    await service.stop(5000)
    clear()
  }
  return { service, readyFile, silence: null, remove }
}
