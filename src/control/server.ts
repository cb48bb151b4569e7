/**
 * Which questions does the agent answer, and how does it refuse the others?
 *
 * Builds the fastify app of `/v1`; it does not listen (`listen.ts`) and decides nothing: each route
 * checks the shape of what came, asks one port and passes on its answer. Unknown fields are refused
 * and not ignored, since a misspelt `force` must not be taken for its absence. Every port has a time
 * limit, so that a client learns that the heart is silent instead of waiting with it.
 */
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { ErrorCode } from '../errors.ts'
import { accessSchema } from './access-schema.ts'
import { type DataDocument, dataSchema } from './data-schema.ts'
import { addEventRoute } from './event-route.ts'
import type { EventSink } from './events.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import type { Schema } from './json-schema.ts'
import { openApi } from './openapi.ts'
import { addProbeRoutes } from './probe-routes.ts'
import { checkRequest, complaintOf } from './request.ts'
import {
  type ErrorDocument,
  type ExplainDocument,
  errorSchema,
  explainSchema,
  type HistoryDocument,
  healthSchema,
  historySchema,
  type OperationDocument,
  type OperationRequest,
  operationRequestSchema,
  operationSchema,
  recordSchema,
  SCHEMA_VERSION,
  type StatusDocument,
  statusSchema,
} from './schema.ts'

/** What the agent answers with. A rejection is a mistake of ours; refusals are documents. */
export interface ControlPorts {
  status(): Promise<StatusDocument>
  /** Accepts or refuses, and returns at once; what becomes of it is told by `operation`. */
  operate(request: OperationRequest): Promise<OperationDocument>
  /** Null when no operation has this id, or it was long ago. */
  operation(id: string): Promise<OperationDocument | null>
  /** At most `limit` changes of the role, newest first. */
  history(limit: number): Promise<HistoryDocument>
  explain(): Promise<ExplainDocument>
  data(): Promise<DataDocument>
  /** Keeps what the flight recorder holds. */
  keepRecord(): Promise<{ ok: true; id: string; file: string } | { ok: false; message: string }>
  /** In the text format of Prometheus. */
  metrics(): Promise<string>
  /** Begins a stream of events. @returns ends it; null when there are too many */
  events(sink: EventSink, lastId: string | null): (() => void) | null
}

export interface ServerOptions {
  /** `read` offers the questions only and refuses every request to do something. */
  access: 'full' | 'read'
  /** Longest time a port may take. */
  portLimitMs?: number
  /** Told of each mistake of ours that became a 500. */
  onFault?: (fault: unknown) => void
}

/** The app, ready to be listened with or to be tested with `inject`. */
export type ControlServer = FastifyInstance

/** Longest request body. Ours have some 80 bytes. */
export const BODY_MAX_BYTES = 16 * 1024

/** A busy disk takes its time. */
const RECORD_LIMIT_MS = 10_000

const HISTORY_DEFAULT = 20
const HISTORY_MAX = 1000

class PortSilent extends Error {}

/** Builds the app for one socket. */
export function buildServer(ports: ControlPorts, options: ServerOptions): ControlServer {
  const { access, portLimitMs = 2_000 } = options
  const app = Fastify({
    bodyLimit: BODY_MAX_BYTES,
    connectionTimeout: 10_000,
    requestTimeout: 5_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  })
  // A number that is none (the age of something that never was, 0 of 0) becomes null here, as JSON has
  // it, instead of failing the whole document: an operator needs it most when things are odd.
  app.addHook('preSerialization', async (_request, _reply, document) =>
    JSON.parse(JSON.stringify(document)),
  )
  const asked = <T>(answer: Promise<T>): Promise<T> => within(answer, portLimitMs)

  addProbeRoutes(app, () => asked(ports.status()))
  addEventRoute(app, ports.events, (reply) =>
    refuse(reply, 503, {
      code: 'HA_TOO_MANY_REQUESTS',
      message: 'as many streams of events are open as there may be',
      mend: 'close one, or ask for /v1/status now and then',
    }),
  )
  app.get('/metrics', async (_request, reply) =>
    reply.type(EXPOSITION_TYPE).send(await asked(ports.metrics())),
  )
  app.get('/v1/openapi.json', async () => openApi(String(SCHEMA_VERSION)))
  app.get('/v1/status', { schema: answers(statusSchema) }, () => asked(ports.status()))
  app.get('/v1/data', { schema: answers(dataSchema) }, () => asked(ports.data()))
  app.get('/v1/explain', { schema: answers(explainSchema) }, () => asked(ports.explain()))
  app.get('/v1/access', { schema: answers(accessSchema) }, async () => {
    const { node } = await asked(ports.status())
    return { schema: SCHEMA_VERSION, node, access }
  })
  app.get('/v1/health', { schema: answers(healthSchema) }, async () => {
    const { node, local, alarms } = await asked(ports.status())
    return { schema: SCHEMA_VERSION, node, state: local.state, alarms: alarms.length }
  })
  app.get<{ Querystring: { limit?: string } }>(
    '/v1/history',
    { schema: { ...answers(historySchema), querystring: historyQuery } },
    ({ query }) => asked(ports.history(Number(query.limit ?? HISTORY_DEFAULT))),
  )
  app.get<{ Params: { id: string } }>(
    '/v1/operations/:id',
    { schema: { ...answers(operationSchema), params: operationParams } },
    async ({ params }, reply) =>
      (await asked(ports.operation(params.id))) ??
      refuse(reply, 404, {
        code: 'HA_OPERATION_UNKNOWN',
        message: `no operation has the id ${params.id}`,
        mend: 'the agent forgets operations when it restarts; look at: tandem status',
      }),
  )
  if (access === 'full') {
    app.post(
      '/v1/operations',
      { schema: { ...answers(operationSchema), body: operationRequestSchema.json } },
      async ({ body }, reply) => {
        const checked = checkRequest(body)
        if (!checked.ok) return refuse(reply, 400, checked)
        const operation = await asked(ports.operate(checked.request))
        return reply.code(operation.state === 'refused' ? 409 : 202).send(operation)
      },
    )
    app.post('/v1/records', { schema: answers(recordSchema) }, async (_request, reply) => {
      const kept = await within(ports.keepRecord(), RECORD_LIMIT_MS)
      if (kept.ok) return { schema: SCHEMA_VERSION, id: kept.id, file: kept.file }
      return refuse(reply, 507, {
        code: 'HA_RECORD_NOT_KEPT',
        message: `the record could not be kept: ${kept.message}`,
        mend: 'look at the disk of the state directory',
      })
    })
  } else {
    app.post('/v1/operations', { schema: answers(operationSchema) }, (_request, reply) =>
      refuse(reply, 403, {
        code: 'HA_READ_ONLY',
        message: 'only questions are answered here',
        mend: 'ask on control.sock as root or in the control group, or with a token for operate',
      }),
    )
  }
  app.setNotFoundHandler(({ method, url }, reply) =>
    refuse(reply, 404, {
      code: 'HA_ROUTE_UNKNOWN',
      message: `there is no ${method} ${url.slice(0, 100)}`,
      mend: 'see the routes of /v1 in the README',
    }),
  )
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    if (error instanceof PortSilent) {
      return refuse(reply, 503, {
        code: 'HA_HEART_SILENT',
        message: `the heart of the agent did not answer within ${portLimitMs} ms`,
        mend: 'look at its log; when it stays silent, restart the agent',
      })
    }
    const complaint = complaintOf(error)
    if (complaint !== null) return refuse(reply, complaint.status, complaint)
    options.onFault?.(error)
    return refuse(reply, 500, {
      code: 'HA_INTERNAL',
      message: 'the agent made a mistake while it answered',
      mend: 'its log has the details; please report it',
    })
  })
  return app
}

const operationParams = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[A-Za-z0-9-]{1,64}$' } },
  required: ['id'],
}

const historyQuery = {
  type: 'object',
  properties: {
    limit: {
      type: 'string',
      pattern: `^([1-9][0-9]{0,2}|${HISTORY_MAX})$`,
      description: `1 to ${HISTORY_MAX}, ${HISTORY_DEFAULT} when not given`,
    },
  },
  additionalProperties: false,
}

/** The answers of a route: its own document, or the error document. */
function answers(document: Schema<unknown>): { response: Record<string, unknown> } {
  const error = errorSchema.json
  return {
    response: { '2xx': document.json, 409: document.json, '4xx': error, '5xx': error },
  }
}

function refuse(
  reply: FastifyReply,
  status: number,
  refusal: Omit<ErrorDocument, 'schema'> & { code: ErrorCode },
): FastifyReply {
  const { code, message, mend } = refusal
  return reply.code(status).send({ schema: SCHEMA_VERSION, code, message, mend })
}

async function within<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PortSilent()), limitMs)
  })
  try {
    return await Promise.race([answer, limit])
  } finally {
    clearTimeout(timer)
  }
}
