/**
 * What may the manager ask of a service: a program that runs or does not run on this node?
 *
 * One contract, kept by a systemd unit, a process of our own, a process that monit looks after and an
 * OCF agent (`service-*.ts`). Every call has a limit on our own clock and comes back with a value when
 * it is over. Whether a service should run, how often it is started again and what that means for the
 * role is decided elsewhere; whether it does its work is what `checks/` ask.
 *
 *     stopped ---start---> (starting) ---> running ---stop---> (stopping) ---> stopped
 *        ^                                    |
 *        +------------- start ----------- failed: it ended by itself, or would not start
 */

/** A process id alone is used again by the kernel; together with this moment it is not. */
export interface ProcessId {
  pid: number
  /** Clock ticks after boot, field 22 of /proc/PID/stat, as digits. */
  startTicks: string
}

/**
 * `starting` and `stopping` are on their way, by us or by somebody else. `failed` ended without being
 * told to, or did not come up.
 */
export type ServiceState = 'running' | 'stopped' | 'starting' | 'stopping' | 'failed'

/** What one look found. */
export interface ServiceReport {
  state: ServiceState
  /** Null when it does not run, and where nobody tells (OCF). */
  main: ProcessId | null
  /** Every process of it, the main one included; also what is left of it after its main one ended. */
  pids: readonly number[]
  /** In the words of whoever runs it, one line; null when there is nothing to add. */
  detail: string | null
}

/** Why a call did not do what it should. */
export interface ServiceFault {
  /**
   * `TIMEOUT`: not done within the limit; what was asked may still happen. `REFUSED`: whoever runs it
   * will not or may not. `MISSING`: unit, program, agent or user does not exist on this host. `FAILED`:
   * it was tried and did not work.
   */
  code: 'HA_SERVICE_TIMEOUT' | 'HA_SERVICE_REFUSED' | 'HA_SERVICE_MISSING' | 'HA_SERVICE_FAILED'
  /** What was tried on which service, and what came back; with the mend where there is one. One line. */
  message: string
}

export type ServiceResult<Value> =
  | { ok: true; value: Value; durationMs: number }
  | { ok: false; fault: ServiceFault; durationMs: number }

/** A service of this node. Limits are in milliseconds, above zero, from the call to its answer. */
export interface ManagedService {
  /** As configured, unique on the node: `lb`, `proxy`, `rtpengine`. */
  readonly name: string

  /** Looks; changes nothing. */
  look(limitMs: number): Promise<ServiceResult<ServiceReport>>

  /**
   * Its processes now, for a probe that asks each second: where the kernel tells them without asking
   * whoever runs the service. Missing where `look` is as cheap.
   */
  processes?(limitMs: number): Promise<readonly number[]>

  /**
   * Starts it, and comes back when it runs. Also right when it runs already. That it does its work is
   * not told by this: ask its checks.
   */
  start(limitMs: number): Promise<ServiceResult<void>>

  /**
   * Stops it, and comes back when nothing of it is left. Also right when it does not run. What does not
   * end by itself is killed within the limit, with everything that belongs to it.
   */
  stop(limitMs: number): Promise<ServiceResult<void>>

  /**
   * Called as soon as its main process is seen to have ended, whoever started it and whoever ended it, a
   * stop of ours included. Several listeners may be added.
   */
  onEnd(listener: () => void): void

  /** What is to be written down so that the next agent knows its processes again; null: nothing. */
  record(): ProcessId | null

  /**
   * Takes over a process that an earlier agent of ours started.
   *
   * @returns false when it is not that process any more
   */
  adopt(id: ProcessId): Promise<boolean>

  /** Lets go of it; it goes on as it is. No listener is called after this. */
  close(): void
}
