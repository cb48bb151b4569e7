/**
 * What does monit's word on one of its services mean for us?
 *
 * Pure. Numbers as monit 5.33 writes them (`event.h`, `monit.h`), seen in its own `monit status` beside
 * its XML.
 */
import type { StoreFinding } from './replicated-store.ts'
import type { ServiceState } from './service.ts'
import { parseXml, type XmlElement } from './service-monit-xml.ts'

/** Type of a `check process`. */
const PROCESS = 3

/** Bits of `status`, in the words of `monit summary`. */
const EVENTS: readonly (readonly [bit: number, words: string])[] = [
  [0x1, 'Checksum failed'],
  [0x2, 'Resource limit matched'],
  [0x4, 'Timeout'],
  [0x8, 'Timestamp failed'],
  [0x10, 'Size failed'],
  [0x20, 'Connection failed'],
  [0x40, 'Permission failed'],
  [0x80, 'UID failed'],
  [0x100, 'GID failed'],
  [0x200, 'Does not exist'],
  [0x400, 'Invalid type'],
  [0x800, 'Data access error'],
  [0x1000, 'Execution failed'],
  [0x2000, 'Filesystem flags failed'],
  [0x4000, 'ICMP failed'],
  [0x8000, 'Content failed'],
  [0x10000, 'Monit instance failed'],
  [0x20000, 'Action done'],
  [0x40000, 'PID failed'],
  [0x80000, 'PPID failed'],
  [0x100000, 'Heartbeat failed'],
  [0x200000, 'Status failed'],
  [0x400000, 'Uptime failed'],
]
const DOES_NOT_EXIST = 0x200
const EXECUTION_FAILED = 0x1000

/** What it is about to do, by `pendingaction`; 0 is nothing. */
const ACTIONS = ['', 'alert', 'restart', 'stop', 'exec', 'unmonitor', 'start', 'monitor']

/** Monit's view of one process. */
export interface MonitFacts {
  /** Bits; 0 is fine. */
  status: number
  /** 0 not monitored, 1 monitored, 2 not looked at yet, 4 waits for another. */
  monitor: number
  passive: boolean
  /** What monit does with it when it starts itself: 0 starts it, 1 does not, 2 as it was before. */
  onReboot: number
  /** Empty when nothing is to come. */
  pending: string
  /** Null when monit tells none: not running, or not monitored. */
  pid: number | null
}

export type MonitRead =
  | { ok: true; facts: MonitFacts }
  /** `garbled`: no such document. `unknown`: no service of that name. `other`: no process. */
  | { ok: false; why: 'garbled' | 'unknown' | 'other' }

/** Finds one service in the status document. */
export function readMonit(document: string, name: string): MonitRead {
  const root = parseXml(document)
  if (root === null || root.name !== 'monit') return { ok: false, why: 'garbled' }
  const lists = [root, ...root.children.filter((child) => child.name === 'services')]
  const services = lists.flatMap(({ children }) => children.filter((it) => it.name === 'service'))
  const service = services.find((it) => nameOf(it) === name)
  if (service === undefined) return { ok: false, why: 'unknown' }
  const type = service.attributes.get('type') ?? textOf(service, 'type')
  if (Number(type) !== PROCESS) return { ok: false, why: 'other' }
  const status = numberOf(service, 'status')
  const monitor = numberOf(service, 'monitor')
  if (status === null || monitor === null) return { ok: false, why: 'garbled' }
  const pid = numberOf(service, 'pid')
  return {
    ok: true,
    facts: {
      status,
      monitor,
      passive: numberOf(service, 'monitormode') === 1,
      onReboot: numberOf(service, 'onreboot') ?? 0,
      pending: ACTIONS[numberOf(service, 'pendingaction') ?? 0] ?? 'unknown',
      pid: pid !== null && pid > 0 ? pid : null,
    },
  }
}

function nameOf(service: XmlElement): string | null {
  return service.attributes.get('name') ?? textOf(service, 'name')
}

function textOf(element: XmlElement, name: string): string | null {
  return element.children.find((child) => child.name === name)?.text ?? null
}

function numberOf(element: XmlElement, name: string): number | null {
  const text = textOf(element, name)
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : null
}

/**
 * The state of a service.
 *
 * @param runs  whether the process that was last seen of it runs: monit tells nothing of one that it
 *   does not monitor
 */
export function monitState(facts: MonitFacts, runs: boolean): ServiceState {
  if (facts.pending === 'stop') return 'stopping'
  if (facts.pending === 'start' || facts.pending === 'restart') return 'starting'
  if (runs) return 'running'
  if (facts.monitor === 0) return 'stopped'
  if ((facts.status & EXECUTION_FAILED) !== 0) return 'failed'
  // What monit only watches is not missed when it does not run.
  if ((facts.status & DOES_NOT_EXIST) !== 0) return facts.passive ? 'stopped' : 'failed'
  return facts.monitor === 1 && facts.pid === null ? 'failed' : 'starting'
}

/** As `monit summary` has it. */
export function monitWords(facts: MonitFacts): string {
  const pending = facts.pending === '' ? '' : ` - ${facts.pending} pending`
  if (facts.monitor === 0) return `Not monitored${pending}`
  if (facts.monitor === 2) return `Initializing${pending}`
  if (facts.monitor === 4) return `Waiting${pending}`
  const failed = EVENTS.filter(([bit]) => (facts.status & bit) !== 0).map(([, words]) => words)
  return `${failed.length === 0 ? 'OK' : failed.join(' | ')}${pending}`
}

/** Whether what monit tried to run did not work. */
export function executionFailed(facts: MonitFacts): boolean {
  return (facts.status & EXECUTION_FAILED) !== 0
}

/** What an operator has to mend so that monit does not start the service beside us. */
export function monitFindings(name: string, facts: MonitFacts): StoreFinding[] {
  const findings: StoreFinding[] = []
  if (facts.onReboot === 0) {
    findings.push({
      severity: 'error',
      setting: `${name} onreboot`,
      found: 'start',
      wanted: 'nostart',
      why: 'monit starts it at boot, on both nodes, before it is known which one is active.',
      mend: `write "onreboot nostart" into "check process ${name}", and have monit reload`,
    })
  }
  if (!facts.passive) {
    findings.push({
      severity: 'warning',
      setting: `${name} mode`,
      found: 'active',
      wanted: 'passive',
      why: 'monit starts it again beside us: its restarts are not counted, and do not make the node unfit.',
      mend: `write "mode passive" into "check process ${name}", and have monit reload`,
    })
  }
  return findings
}
