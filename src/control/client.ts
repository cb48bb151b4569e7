/**
 * How does a command ask an agent? HTTP over its unix sockets, or over the network, with a limit on every exchange.
 *
 * On its host, questions go to the socket that everybody may use, orders to the guarded one. Each way to fail is a
 * value with its mend (`exchange.ts`). Repeating is the caller's decision.
 */
import { join } from 'node:path'
import type { DataDocument } from './data-schema.ts'
import { type Asked, type AskFailure, type Door, exchange } from './exchange.ts'
import type {
  ExplainDocument,
  HistoryDocument,
  OperationDocument,
  OperationRequest,
  RecordDocument,
  StatusDocument,
} from './schema.ts'

export type { Asked, AskFailure }

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

/** A client for the agent of one run directory. Connects anew for each exchange. */
export function controlClient(runDir: string): ControlClient {
  const socketPath = (name: string): Door => ({ socketPath: join(runDir, name) })
  return clientFor({ questions: socketPath('status.sock'), orders: socketPath('control.sock') })
}

/** A client for the agent of another host, by its API. */
export function remoteClient(door: Extract<Door, { origin: string }>): ControlClient {
  return clientFor({ questions: door, orders: door })
}

function clientFor({ questions, orders }: { questions: Door; orders: Door }): ControlClient {
  const get = <T>(path: string, limitMs: number): Promise<Asked<T>> =>
    exchange<T>({ door: questions, method: 'GET', path, limitMs })
  const post = <T>(path: string, limitMs: number, body?: string): Promise<Asked<T>> =>
    exchange<T>({
      ...{ door: orders, method: 'POST', path, limitMs },
      ...(body === undefined ? {} : { body }),
    })
  return {
    status: (limitMs) => get('/v1/status', limitMs),
    history: (limit, limitMs) => get(`/v1/history?limit=${limit}`, limitMs),
    explain: (limitMs) => get('/v1/explain', limitMs),
    data: (limitMs) => get('/v1/data', limitMs),
    operation: (id, limitMs) => get(`/v1/operations/${encodeURIComponent(id)}`, limitMs),
    keepRecord: (limitMs) => post('/v1/records', limitMs),
    operate: (request, limitMs) => post('/v1/operations', limitMs, JSON.stringify(bodyOf(request))),
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
