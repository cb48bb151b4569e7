/**
 * How does a command of this node run on the peer?
 *
 * Over ssh, the way on which the platform's own tools go between the nodes: encrypted, and whoever may use it
 * was decided long ago. Heartbeats are datagrams and carry no files (D-059). Nobody is there to answer
 * questions, so it never asks any: an unknown host key is a refusal.
 */
import type { PairConfig } from '../config/config.ts'
import { type RunResult, run } from '../system/exec.ts'

const CONNECT_SECONDS = 5
/** A peer that fell silent is noticed after three of these. */
const ALIVE_SECONDS = 3

export interface PeerCommand {
  /** Of `tandem` there; its options and words are taken as they are, without quoting. */
  words: readonly string[]
  input?: string
  /** From start to end, ms; connecting has a limit of its own within it. */
  limitMs: number
  /** Of what it prints; more is a failure. */
  outputMaxChars?: number
}

export interface PeerFailure {
  ok: false
  /** `unreachable`: it was not begun; `lost`: it was begun, and how it ended is not known. */
  code: 'unreachable' | 'lost' | 'timeout'
  message: string
  mend: string
  host: string
}

export type PeerRun = { ok: true; stdout: string; host: string } | PeerFailure

/** Something that runs a command on a host. */
export type RunOnPeer = (host: string, command: PeerCommand) => Promise<PeerRun>

/** Addresses of the peer, the crosslink first: whatever happens on the service LAN, it is ours. */
export function peerHosts({ paths }: Pick<PairConfig, 'paths'>): string[] {
  const sorted = [...paths].sort((a, b) => rank(a.kind) - rank(b.kind))
  return [...new Set(sorted.map(({ peerAddress }) => peerAddress))]
}

function rank(kind: PairConfig['paths'][number]['kind']): number {
  return kind === 'crosslink' ? 0 : 1
}

/** Never rejects. */
export const runOverSsh: RunOnPeer = async (host, { words, input, limitMs, outputMaxChars }) => {
  const result = await run({
    label: 'ask the peer',
    command: 'ssh',
    args: [
      ...['-T', '-o', 'BatchMode=yes', '-o', `ConnectTimeout=${CONNECT_SECONDS}`],
      ...['-o', `ServerAliveInterval=${ALIVE_SECONDS}`, '-o', 'ServerAliveCountMax=3'],
      ...['-o', 'ClearAllForwardings=yes', '-o', 'ForwardAgent=no', '-o', 'LogLevel=ERROR'],
      ...['--', host, 'tandem', ...words],
    ],
    timeoutMs: limitMs,
    ...(input === undefined ? {} : { input }),
    ...(outputMaxChars === undefined ? {} : { outputMaxChars }),
  })
  return result.ok ? { ok: true, stdout: result.stdout, host } : failureOf(result, host, limitMs)
}

function failureOf(
  result: Extract<RunResult, { ok: false }>,
  host: string,
  limitMs: number,
): PeerFailure {
  const line = result.stderr.split('\n').find((text) => text.trim() !== '') ?? result.message
  const failed = (code: PeerFailure['code'], message: string, mend: string): PeerFailure => {
    return { ok: false, code, host, message: message.trim(), mend }
  }
  if (result.code === 'HA_EXEC_NOT_FOUND') {
    return failed('unreachable', 'ssh is not installed here', 'apt install openssh-client')
  }
  if (result.code === 'HA_EXEC_TIMEOUT') {
    const message = `${host} did not answer within ${(limitMs / 1000).toFixed(1)} s`
    return failed('timeout', message, `see what keeps it: ssh ${host} true`)
  }
  if (result.exitCode === 255 && !wasConnected(line)) {
    return failed('unreachable', line, `make this work without questions: ssh ${host} true`)
  }
  // 127: the shell there finds no such program; 1: it does not know these words.
  if (result.exitCode === 127 || result.exitCode === 1) {
    return failed('unreachable', `on ${host}: ${line}`, 'install Tandem there, the same release')
  }
  return failed('lost', line, 'run it again')
}

/** ssh ends with 255 also when a connection breaks that stood. */
function wasConnected(line: string): boolean {
  return /closed by|reset by|broken pipe|not responding|client_loop/i.test(line)
}
