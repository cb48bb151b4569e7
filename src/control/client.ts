/**
 * How does a command ask the agent? HTTP over its unix sockets, with a limit on every exchange.
 *
 * Questions go to the socket that everybody may use, orders to the guarded one. Nothing here throws
 * for what the other side does or does not do: each way to fail is a value with its mend. Repeating
 * is the caller's decision.
 */
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import type { DataDocument } from './data-schema.ts'
import {
  type ErrorDocument,
  type ExplainDocument,
  type HistoryDocument,
  type OperationDocument,
  type OperationRequest,
  type RecordDocument,
  SCHEMA_VERSION,
  type StatusDocument,
} from './schema.ts'

export interface AskFailure {
  ok: false
  /**
   * `unreachable`: nobody listens. `forbidden`: not allowed to use the socket. `timeout`: no whole
   * answer in time; an order may have been carried out. `refused`: the agent said no. `unknown`: it
   * does not know the thing asked about. `garbled`: the answer made no sense.
   */
  code: 'unreachable' | 'forbidden' | 'timeout' | 'refused' | 'unknown' | 'garbled'
  /** The same in the table of error codes (`errors.ts`); that of the agent where it answered. */
  errorCode: string
  message: string
  mend: string
}

export type Asked<T> = { ok: true; value: T } | AskFailure

/** Every method takes the longest time it may need, in milliseconds above zero. */
export interface ControlClient {
  status(limitMs: number): Promise<Asked<StatusDocument>>
  history(limit: number, limitMs: number): Promise<Asked<HistoryDocument>>
  explain(limitMs: number): Promise<Asked<ExplainDocument>>
  data(limitMs: number): Promise<Asked<DataDocument>>
  operate(request: OperationRequest, limitMs: number): Promise<Asked<OperationDocument>>
  operation(id: string, limitMs: number): Promise<Asked<OperationDocument>>
  keepRecord(limitMs: number): Promise<Asked<RecordDocument>>
}

/** Larger than any answer of ours: a thousand transitions have some 300 kB. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

/** A client for the agent of one run directory. Connects anew for each exchange. */
export function controlClient(runDir: string): ControlClient {
  const statusPath = join(runDir, 'status.sock')
  const controlPath = join(runDir, 'control.sock')
  const get = <T>(path: string, limitMs: number): Promise<Asked<T>> =>
    exchange<T>({ socketPath: statusPath, method: 'GET', path, limitMs })
  return {
    status: (limitMs) => get('/v1/status', limitMs),
    history: (limit, limitMs) => get(`/v1/history?limit=${limit}`, limitMs),
    explain: (limitMs) => get('/v1/explain', limitMs),
    data: (limitMs) => get('/v1/data', limitMs),
    operation: (id, limitMs) => get(`/v1/operations/${encodeURIComponent(id)}`, limitMs),
    keepRecord: (limitMs) =>
      exchange({ socketPath: controlPath, method: 'POST', path: '/v1/records', limitMs }),
    operate: (request, limitMs) => {
      const body = JSON.stringify(bodyOf(request))
      return exchange({
        socketPath: controlPath,
        method: 'POST',
        path: '/v1/operations',
        limitMs,
        body,
      })
    },
  }
}

/** Without what says nothing. */
function bodyOf(request: OperationRequest): Record<string, unknown> {
  const { node, ...rest } = request
  if (rest.kind === 'data-archive' || rest.kind === 'data-rejoin') {
    const { force: _none, ...data } = rest
    return data
  }
  if (rest.kind === 'drain') return { kind: rest.kind, on: rest.on }
  if (rest.kind === 'service') {
    const { kind, verb, service } = rest
    return service === null ? { kind, verb } : { kind, verb, service }
  }
  if (rest.kind === 'reload') return { kind: rest.kind }
  return node === null ? rest : { ...rest, node }
}

interface Exchange {
  socketPath: string
  method: 'GET' | 'POST'
  path: string
  limitMs: number
  body?: string
}

function exchange<T>(what: Exchange): Promise<Asked<T>> {
  const { socketPath, method, path, limitMs, body } = what
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const request = httpRequest({ socketPath, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) end(garbled(socketPath, 'the answer is too long'))
      })
      response.on('end', () => {
        end(
          understand(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), socketPath),
        )
      })
      response.on('error', (error) => end(connectionFailure(error, socketPath)))
    })
    const timer = setTimeout(() => end(tooLate(socketPath, limitMs)), limitMs)
    const end = (outcome: Asked<T>): void => {
      clearTimeout(timer)
      request.destroy()
      resolve(outcome)
    }
    request.on('error', (error) => end(connectionFailure(error, socketPath)))
    request.end(body)
  })
}

function understand<T>(status: number, text: string, socketPath: string): Asked<T> {
  let document: { schema?: unknown }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) throw new TypeError('not an object')
    document = parsed
  } catch {
    return garbled(socketPath, `status ${status} and no JSON document`)
  }
  if (document.schema !== SCHEMA_VERSION) {
    const theirs = String(document.schema).slice(0, 20)
    return garbled(
      socketPath,
      `its documents have version ${theirs}, this command reads version ${SCHEMA_VERSION}`,
    )
  }
  // 409 carries the operation that was refused, with its reason.
  if ((status >= 200 && status < 300) || status === 409) return { ok: true, value: document as T }
  const { code: errorCode, message, mend } = document as ErrorDocument
  return { ok: false, code: kindOfRefusal(status), errorCode, message, mend }
}

function kindOfRefusal(status: number): AskFailure['code'] {
  if (status === 404) return 'unknown'
  // The control thread answers for a heart that does not.
  return status === 503 ? 'unreachable' : 'refused'
}

function connectionFailure(error: NodeJS.ErrnoException, socketPath: string): AskFailure {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return {
        ok: false,
        code: 'unreachable',
        errorCode: 'HA_CONTROL_UNREACHABLE',
        message: `no agent answers at ${socketPath}`,
        mend: 'start it (systemctl start tandemd), or name its run directory with --run',
      }
    case 'EACCES':
    case 'EPERM':
      return {
        ok: false,
        code: 'forbidden',
        errorCode: 'HA_CONTROL_FORBIDDEN',
        message: `this user may not use ${socketPath}`,
        mend: 'become root, or a member of the control group of config.yml',
      }
    case 'EAGAIN':
      return {
        ok: false,
        code: 'unreachable',
        errorCode: 'HA_CONTROL_UNREACHABLE',
        message: `the agent at ${socketPath} is there and takes no more connections`,
        mend: 'it may be stopped: look at its process and its log (journalctl -u tandemd)',
      }
    case 'ECONNRESET':
    case 'EPIPE':
      return {
        ok: false,
        code: 'unreachable',
        errorCode: 'HA_CONTROL_UNREACHABLE',
        message: `the agent at ${socketPath} ended while it was asked`,
        mend: 'look at its log: journalctl -u tandemd',
      }
    default:
      return garbled(socketPath, error.message)
  }
}

function tooLate(socketPath: string, limitMs: number): AskFailure {
  return {
    ok: false,
    code: 'timeout',
    errorCode: 'HA_CONTROL_TIMEOUT',
    message: `the agent at ${socketPath} did not answer within ${limitMs} ms`,
    mend: 'look at its log (journalctl -u tandemd), or allow more with --timeout',
  }
}

function garbled(socketPath: string, why: string): AskFailure {
  return {
    ok: false,
    code: 'garbled',
    errorCode: 'HA_CONTROL_GARBLED',
    message: `the agent at ${socketPath} answered what this command cannot read: ${why}`,
    mend: 'install the same version of command and agent, and restart the agent',
  }
}
