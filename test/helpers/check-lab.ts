/**
 * A place for probes: one network namespace with real Kamailio and rtpengine, stand-ins for SEMS and
 * Asterisk, and a program in there that runs the probes. The floating address is 10.83.0.50 on `lo`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CheckResult } from '../../src/resources/checks/check.ts'
import type { RtpengineAnswer, RtpengineCommand } from '../../src/resources/checks/rtpengine-cli.ts'
import type { RpcResult } from '../../src/resources/json-rpc.ts'

const NAMESPACE = `tchk${process.pid}`
const ROOT = join(import.meta.dirname, '../..')
export const FLOATING = '10.83.0.50'
export const SECRET = 'fish and chips'

/** Why these tests cannot run here, null when they can. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync(join(ROOT, 'dist/resources/checks/check.js'))) return 'needs a build'
  for (const program of ['kamailio', 'rtpengine', 'openssl', 'sysctl']) {
    try {
      execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`])
    } catch {
      return `needs ${program}`
    }
  }
  return null
}

/** A program in the namespace, in a session of its own so that all of it can be ended. */
export class Program {
  readonly #child: ChildProcess
  #output = ''

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn('nsenter', [`--net=/run/netns/${NAMESPACE}`, command, ...args], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#output = (this.#output + bytes.toString()).slice(-4_000)
      })
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#output
  }

  /** To all of its session; false when nobody of it is left. */
  signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.pid, signal)
    } catch {
      return false
    }
  }

  /** Stops all of it and waits until every thread stands: a signal takes its time. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP')
    const states = (): string[] =>
      execFileSync('ps', ['-L', '-o', 'stat=', '-s', `${this.pid}`], { encoding: 'utf8' })
        .trim()
        .split(/\s+/)
    while (!states().every((state) => state.startsWith('T'))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Kills all of it and waits until everybody is gone. */
  async end(): Promise<void> {
    while (this.signal('SIGKILL')) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export class CheckLab {
  readonly directory = mkdtempSync(join(tmpdir(), 'tandem-checks-'))
  readonly #programs: Program[] = []
  readonly #asker: ChildProcess
  readonly #waiting = new Map<number, (value: unknown) => void>()
  #number = 0

  constructor() {
    this.inside('true', true)
    this.#asker = spawn(
      'nsenter',
      [`--net=/run/netns/${NAMESPACE}`, process.execPath, 'test/fixtures/checks/ask.mjs'],
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] },
    )
    createInterface({ input: this.#asker.stdout! }).on('line', (line) => {
      const { number, value, error } = JSON.parse(line)
      this.#waiting.get(number)?.(error === undefined ? value : Promise.reject(new Error(error)))
    })
  }

  /** Runs a shell line in the namespace; `fresh` makes it first. */
  inside(line: string, fresh = false): string {
    if (fresh) {
      execFileSync('ip', ['netns', 'add', NAMESPACE])
      this.inside(`ip link set lo up; ip addr add ${FLOATING}/32 dev lo`)
    }
    const args = [`--net=/run/netns/${NAMESPACE}`, 'sh', '-c', line]
    return execFileSync('nsenter', args, { encoding: 'utf8', timeout: 20_000 })
  }

  /** The floating address comes to this host, or leaves it. */
  address(here: boolean): void {
    this.inside(`ip addr ${here ? 'replace' : 'del'} ${FLOATING}/32 dev lo`)
  }

  file(name: string, text: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  start(command: string, ...args: string[]): Program {
    const program = new Program(command, args)
    this.#programs.push(program)
    return program
  }

  /** Runs the probe of a written line once, in the namespace. */
  check(check: string, limitMs = 1_000, pids: readonly number[] = []): Promise<CheckResult> {
    return this.#ask({ check, limitMs, pids }) as Promise<CheckResult>
  }

  rpc(port: number, rpc: string, params: readonly unknown[] = []): Promise<RpcResult> {
    const place = { address: '127.0.0.1', port }
    return this.#ask({ rpc, params, place, limitMs: 2_000 }) as Promise<RpcResult>
  }

  cli(port: number, cli: RtpengineCommand): Promise<RtpengineAnswer> {
    const place = { address: '127.0.0.1', port }
    return this.#ask({ cli, place, limitMs: 2_000 }) as Promise<RtpengineAnswer>
  }

  /** Asks again until all is well. */
  async well(check: string, limitMs = 15_000): Promise<void> {
    const endMs = performance.now() + limitMs
    let last: CheckResult = await this.check(check)
    while (!last.ok) {
      if (performance.now() > endMs) {
        const told = this.#programs.map((program) => program.output).join('\n')
        throw new Error(`${last.why}\n${told}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
      last = await this.check(check)
    }
  }

  async remove(): Promise<void> {
    this.#asker.stdin?.end()
    await Promise.all(this.#programs.map((program) => program.end()))
    if (this.#asker.exitCode === null) await once(this.#asker, 'exit')
    execFileSync('ip', ['netns', 'del', NAMESPACE])
    rmSync(this.directory, { recursive: true, force: true })
  }

  #ask(question: object): Promise<unknown> {
    this.#number += 1
    const number = this.#number
    this.#asker.stdin?.write(`${JSON.stringify({ ...question, number })}\n`)
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve)
    })
  }
}

/** A self-signed certificate for the floating address. */
export function certificate(lab: CheckLab): { key: string; certificate: string } {
  const paths = {
    key: join(lab.directory, 'key.pem'),
    certificate: join(lab.directory, 'cert.pem'),
  }
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ].concat(['-subj', '/CN=lb.example', '-keyout', paths.key, '-out', paths.certificate]),
    { stdio: 'ignore' },
  )
  return paths
}

/** A Kamailio that answers OPTIONS on UDP, TCP and TLS of the floating address and on UDP of loopback. */
export function kamailioConfig(lab: CheckLab): string {
  const { key, certificate: chain } = certificate(lab)
  return lab.file(
    'kamailio.cfg',
    `#!KAMAILIO
debug=1
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
ip_free_bind=1
enable_tls=yes
listen=udp:${FLOATING}:5060
listen=tcp:${FLOATING}:5060
listen=tls:${FLOATING}:5061
listen=udp:127.0.0.1:5060
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "textops.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "jsonrpcs.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${key}")
modparam("tls", "certificate", "${chain}")
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "udp:127.0.0.1:5064")
request_route {
  if (is_method("OPTIONS")) { sl_send_reply("200", "alive"); exit; }
  sl_send_reply("405", "Only OPTIONS here");
}
`,
  )
}

export function rtpengineConfig(lab: CheckLab): string {
  return lab.file(
    'rtpengine.conf',
    `[rtpengine]
table = -1
interface = ${FLOATING}
listen-ng = 127.0.0.1:12222
listen-cli = 127.0.0.1:9900
port-min = 30000
port-max = 30100
foreground = true
log-stderr = true
log-level = 5
num-threads = 2
`,
  )
}
