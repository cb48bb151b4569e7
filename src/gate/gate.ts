/**
 * What does every kernel gate promise?
 *
 * The gate is the kernel's own record of the right to serve: service traffic passes only before an
 * absolute deadline (PROTOCOL, K1 to K5). Commands are synchronous: when a method returns, the
 * kernel has done it or refused it. The simulator's gate keeps the same contract.
 */

/** Why a gate did not do what it was asked. */
export type GateRefusal =
  | 'key'
  | 'session'
  | 'replay'
  | 'past'
  | 'far'
  | 'lapsed'
  | 'state'
  | 'op'
  | 'silent'

/** The kernel's answer. Moments are milliseconds of the boot clock. */
export interface GateAnswer {
  done: boolean
  refusal: GateRefusal | null
  serveUntilMs: number
  occupiedUntilMs: number
}

export type GateKind = 'ebpf' | 'nftables' | 'lifetime'

/** One gate over the whole set of floating IPs. */
export interface Gate {
  readonly kind: GateKind
  /** Shuts, and voids every command of an earlier agent. */
  claim(): GateAnswer
  /** Answers address probes, serves nothing. `first` begins; without it a lapsed one is refused. */
  occupy(deadlineMs: number, first: boolean): GateAnswer
  /** Serves until the deadline. `takeover`: only over a living occupation (K3). */
  open(deadlineMs: number, takeover: boolean): GateAnswer
  /** Moves the deadline of an open gate, never back. */
  extend(deadlineMs: number): GateAnswer
  close(): GateAnswer
  query(): GateAnswer
}
