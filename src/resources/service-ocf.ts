/**
 * How is a service run that has an OCF resource agent?
 *
 * By running the agent as any other manager of clusters would: action, parameters and limits in its
 * environment, the outcome in its exit code. Which processes belong to it only the agent knows; that it
 * ended is seen by looks alone, and nothing can be killed that the agent does not stop.
 *
 * @source  OCF resource agent API 1.1
 */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_PATH, type LaunchEnd, launch } from '../system/launch.ts'
import { signal } from '../system/process-table.ts'
import type {
  ManagedService,
  ProcessId,
  ServiceReport,
  ServiceResult,
  ServiceState,
} from './service.ts'
import type { OcfServiceConfig } from './service-config.ts'
import { ocfMeaning } from './service-ocf-code.ts'
import { answer, inTime, ServiceFailure, Turns, tellingLine } from './service-result.ts'
import { type Limit, pause } from './store-result.ts'

const OCF_ROOT = '/usr/lib/ocf'

/** Names of providers and agents; also keeps us within the directory. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/

/** More of what an agent says is not kept. */
const ERRORS_MAX_CHARS = 64_000

/** What it said last may come after its end; a daemon it started may hold the pipe for good. */
const DRAIN_MS = 50

/** From SIGTERM to SIGKILL for an agent that is over its limit. */
const KILL_AFTER_MS = 200

/** Parameters whose values are not shown, should the agent say them. */
const SECRET = /pass|secret|token|key/i

type Action = 'start' | 'stop' | 'monitor'

interface ActionEnd {
  exitCode: number
  /** What it said that tells most; empty when nothing. */
  said: string
}

export class OcfService implements ManagedService {
  readonly name: string
  readonly #config: OcfServiceConfig
  readonly #root: string
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()
  #under: 'starting' | 'stopping' | null = null
  #ran = false

  /** @param root  where agents are, as OCF_ROOT has it */
  constructor(config: OcfServiceConfig, root = OCF_ROOT) {
    this.name = config.name
    this.#config = config
    this.#root = root
  }

  look(limitMs: number): Promise<ServiceResult<ServiceReport>> {
    return answer(limitMs, async (limit) => {
      // Agents are not made for a monitor in the middle of a start.
      if (this.#under !== null) return report(this.#under, null)
      const label = `look at ${this.name}`
      return await inTime(
        limit,
        label,
        this.#turns.take(limit, label, () => this.#monitor(limit)),
      )
    })
  }

  start(limitMs: number): Promise<ServiceResult<void>> {
    return this.#change(limitMs, 'start', 'starting', async (limit) => {
      const end = await this.#run('start', limit)
      if (end.exitCode !== 0) throw this.#fault('start', end, '')
      this.#ran = true
    })
  }

  stop(limitMs: number): Promise<ServiceResult<void>> {
    return this.#change(limitMs, 'stop', 'stopping', async (limit) => {
      const end = await this.#run('stop', limit)
      if (end.exitCode !== 0) throw this.#fault('stop', end, '; it may still run')
      const ran = this.#ran
      this.#ran = false
      if (ran) this.#tellEnd()
    })
  }

  onEnd(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** The agent knows its processes. */
  record(): ProcessId | null {
    return null
  }

  async adopt(): Promise<boolean> {
    return false
  }

  close(): void {
    this.#listeners.clear()
  }

  #change(
    limitMs: number,
    action: Action,
    under: 'starting' | 'stopping',
    work: (limit: Limit) => Promise<void>,
  ): Promise<ServiceResult<void>> {
    return answer(limitMs, async (limit) => {
      const label = `${action} of ${this.name}`
      const steps = async (): Promise<void> => {
        this.#under = under
        try {
          await work(limit)
        } finally {
          this.#under = null
        }
      }
      await this.#turns.take(limit, label, steps)
    })
  }

  async #monitor(limit: Limit): Promise<ServiceReport> {
    const end = await this.#run('monitor', limit)
    const { state, words } = ocfMeaning(end.exitCode)
    if (state === null) throw this.#fault('monitor', end, '')
    const ran = this.#ran
    this.#ran = state === 'running'
    if (ran && !this.#ran) this.#tellEnd()
    if (end.exitCode === 0 || end.exitCode === 7) return report(state, null)
    return report(state, end.said === '' ? words : `${words}: ${end.said}`)
  }

  /** @throws ServiceFailure  when there is no such agent, or it was not done within the limit */
  async #run(action: Action, limit: Limit): Promise<ActionEnd> {
    const { provider, agent } = this.#config
    const label = `${action} of ${this.name}`
    const path = join(this.#root, 'resource.d', provider, agent)
    const named = NAME.test(provider) && NAME.test(agent)
    const there =
      named &&
      (await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    if (!there) {
      throw new ServiceFailure(
        'HA_SERVICE_MISSING',
        `${label}: there is no agent ocf:${provider}:${agent} in ${this.#root}/resource.d: install its package or mend the name`,
      )
    }
    // Its last word needs a moment as well.
    const runMs = Math.max(1, limit.leftMs() - KILL_AFTER_MS - DRAIN_MS)
    const agentProcess = launch({
      argv: [path, action],
      directory: '/',
      environment: this.#environment(action, runMs),
      account: null,
      output: 'errors',
    })
    const said = gather(agentProcess.errors)
    let late = false
    const pid = agentProcess.sight?.pid
    const kill = (name: 'SIGTERM' | 'SIGKILL') => (): void => {
      late = true
      // The daemon it was about to start may be of its group still: half a start is none.
      if (pid !== undefined) signal(-pid, name)
    }
    const timers = [
      setTimeout(kill('SIGTERM'), runMs),
      setTimeout(kill('SIGKILL'), runMs + KILL_AFTER_MS / 2),
    ]
    const end = await agentProcess.ended
    for (const timer of timers) clearTimeout(timer)
    const text = tellingLine(this.#redact(await said.end()))
    if (late) {
      const rest = `${action === 'monitor' ? '' : '; what it does may still happen'}${text === '' ? '' : `; it said: ${text}`}`
      throw new ServiceFailure(
        'HA_SERVICE_TIMEOUT',
        `${label}: the agent ocf:${provider}:${agent} did not end within ${Math.round(runMs)} ms and was killed${rest}`,
      )
    }
    return { exitCode: this.#codeOf(end, label), said: text }
  }

  #codeOf(end: LaunchEnd, label: string): number {
    if (end.exitCode !== null) return end.exitCode
    throw new ServiceFailure(
      'HA_SERVICE_FAILED',
      `${label}: the agent was ended by ${end.signal ?? end.error}`,
    )
  }

  #environment(action: Action, runMs: number): Record<string, string> {
    const { provider, agent, parameters } = this.#config
    const environment: Record<string, string> = {
      PATH: DEFAULT_PATH,
      HOME: '/root',
      LC_ALL: 'C',
      OCF_ROOT: this.#root,
      OCF_RA_VERSION_MAJOR: '1',
      OCF_RA_VERSION_MINOR: '1',
      OCF_RESOURCE_INSTANCE: this.name,
      OCF_RESOURCE_TYPE: agent,
      OCF_RESOURCE_PROVIDER: provider,
      OCF_RESKEY_CRM_meta_name: action,
      OCF_RESKEY_CRM_meta_timeout: String(Math.floor(runMs)),
      OCF_RESKEY_CRM_meta_interval: '0',
    }
    for (const [name, value] of Object.entries(parameters))
      environment[`OCF_RESKEY_${name}`] = value
    return environment
  }

  #fault(action: Action, end: ActionEnd, more: string): ServiceFailure {
    const { provider, agent } = this.#config
    const { words, code } = ocfMeaning(end.exitCode)
    const said = end.said === '' ? '' : `: ${end.said}`
    return new ServiceFailure(
      code,
      `${action} of ${this.name}: the agent ocf:${provider}:${agent} ended with ${end.exitCode} (${words})${more}${said}`,
    )
  }

  #redact(text: string): string {
    let shown = text
    for (const [name, value] of Object.entries(this.#config.parameters)) {
      if (SECRET.test(name) && value !== '') shown = shown.replaceAll(value, '***')
    }
    return shown
  }

  #tellEnd(): void {
    for (const listener of this.#listeners) listener()
  }
}

function report(state: ServiceState, detail: string | null): ServiceReport {
  return { state, main: null, pids: [], detail }
}

/** Keeps the end of what comes, and does not wait for those who hold the pipe without saying anything. */
function gather(stream: NodeJS.ReadableStream | null): { end(): Promise<string> } {
  let text = ''
  if (stream === null) return { end: async () => text }
  stream.setEncoding('utf8')
  stream.on('data', (piece: string) => {
    text = (text + piece).slice(-ERRORS_MAX_CHARS)
  })
  const closed = new Promise<void>((resolve) => {
    stream.once('end', resolve)
    stream.once('error', () => resolve())
  })
  return {
    async end() {
      await Promise.race([closed, pause(DRAIN_MS)])
      ;(stream as NodeJS.ReadableStream & { destroy(): void }).destroy()
      return text
    },
  }
}
