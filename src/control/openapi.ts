/**
 * How does a program learn what can be asked? The OpenAPI document, made from the schemas that the
 * answers themselves are made by.
 *
 * The routes are listed once more here, with what they are for; a test compares them with those that are
 * really answered.
 *
 * @source OpenAPI Specification 3.1.1
 */
import { accessSchema } from './access-schema.ts'
import { dataSchema } from './data-schema.ts'
import { EVENT_SCHEMAS } from './event-schema.ts'
import { EXPOSITION_TYPE } from './exposition.ts'
import type { JsonSchema, Schema } from './json-schema.ts'
import { PROBES } from './probe-routes.ts'
import {
  errorSchema,
  explainSchema,
  healthSchema,
  historySchema,
  operationRequestSchema,
  operationSchema,
  recordSchema,
  statusSchema,
} from './schema.ts'

const DOCUMENTS: Readonly<Record<string, Schema<unknown>>> = {
  Status: statusSchema,
  Access: accessSchema,
  Health: healthSchema,
  History: historySchema,
  Explain: explainSchema,
  Data: dataSchema,
  OperationRequest: operationRequestSchema,
  Operation: operationSchema,
  Record: recordSchema,
  TransitionEvent: EVENT_SCHEMAS.transition,
  AlarmEvent: EVENT_SCHEMAS.alarm,
  GapEvent: EVENT_SCHEMAS.gap,
  Error: errorSchema,
}

type Part = Record<string, unknown>

/** The whole document. */
export function openApi(version: string): Part {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tandem',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'One node of an active/standby pair. The role "read" asks, "operate" also gives orders. ' +
        'Fields may be added without a new version of the paths.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { basic: [] }, { certificate: [] }],
    tags: [
      { name: 'documents', description: 'What the node is, knows and did.' },
      { name: 'operations', description: 'What operators ask for.' },
      {
        name: 'probes',
        description: 'For load-balancers and scripts: a status code and one word.',
      },
    ],
    paths: paths(),
    components: {
      schemas: Object.fromEntries(
        Object.entries(DOCUMENTS).map(([name, schema]) => [name, modern(schema.json)]),
      ),
      responses: {
        Refused: json('What went wrong, and what to do about it.', 'Error'),
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of "tandem token new".' },
        basic: {
          type: 'http',
          scheme: 'basic',
          description: 'The name of a token, and the token.',
        },
        certificate: { type: 'mutualTLS', description: 'Where client_ca_file is configured.' },
      },
    },
  }
}

function paths(): Part {
  const document = (summary: string, name: string, more: Part = {}): Part => ({
    get: {
      ...{ tags: ['documents'], summary, ...more },
      responses: { 200: json(summary, name), default: REFUSED },
    },
  })
  return {
    '/v1/status': document('What this node is, knows and sees.', 'Status'),
    '/v1/access': document('What whoever asks may do.', 'Access'),
    '/v1/health': document('State and number of alarms.', 'Health'),
    '/v1/explain': document('Why it is so, and what would happen.', 'Explain'),
    '/v1/data': document('What the stores hold, and what was set aside.', 'Data'),
    '/v1/history': document('Changes of the role, newest first.', 'History', {
      parameters: [
        {
          ...{ name: 'limit', in: 'query', required: false },
          schema: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
        },
      ],
    }),
    '/v1/events': { get: eventStream() },
    '/v1/openapi.json': {
      get: {
        ...{ tags: ['documents'], summary: 'This document.' },
        responses: {
          200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: {} } } },
          default: REFUSED,
        },
      },
    },
    '/v1/operations': {
      post: {
        ...{ tags: ['operations'], summary: 'Asks for something to be done. Needs "operate".' },
        requestBody: {
          required: true,
          content: { 'application/json': { schema: reference('OperationRequest') } },
        },
        responses: {
          202: json('Accepted; follow it by its id.', 'Operation'),
          409: json('Refused, with the reason.', 'Operation'),
          default: REFUSED,
        },
      },
    },
    '/v1/operations/{id}': {
      get: {
        ...{ tags: ['operations'], summary: 'What became of a request, step by step.' },
        parameters: [
          {
            ...{ name: 'id', in: 'path', required: true },
            schema: { type: 'string', pattern: '^[A-Za-z0-9-]{1,64}$' },
          },
        ],
        responses: { 200: json('The operation.', 'Operation'), default: REFUSED },
      },
    },
    '/v1/records': {
      post: {
        ...{
          tags: ['operations'],
          summary: 'Keeps what the flight recorder holds. Needs "operate".',
        },
        responses: { 200: json('The record that was kept.', 'Record'), default: REFUSED },
      },
    },
    '/metrics': {
      get: {
        ...{ tags: ['documents'], summary: 'Figures in the text format of Prometheus.' },
        responses: {
          200: {
            description: 'tandem_…',
            content: { [EXPOSITION_TYPE]: { schema: { type: 'string' } } },
          },
          default: REFUSED,
        },
      },
    },
    ...Object.fromEntries(PROBES.map(({ path, summary }) => [path, { get: probe(summary) }])),
  }
}

function eventStream(): Part {
  return {
    tags: ['documents'],
    summary: 'What happens, as it happens (server-sent events).',
    description:
      'Events: status (Status, when something changed, at most once a second, and every five ' +
      'seconds), transition (TransitionEvent), alarm (AlarmEvent), operation (Operation), gap ' +
      '(GapEvent: events were missed). All but status and gap have an id to resume after.',
    parameters: [
      { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
    ],
    responses: {
      200: {
        description: 'A stream that goes on until it is closed.',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
      default: REFUSED,
    },
  }
}

function probe(summary: string): Part {
  const content = { 'text/plain': { schema: { type: 'string' } } }
  return {
    ...{ tags: ['probes'], summary },
    description: 'Answered without credentials where "open" names it.',
    responses: {
      200: { description: 'It is.', content },
      503: { description: 'It is not.', content },
    },
  }
}

const REFUSED: Part = { $ref: '#/components/responses/Refused' }

function reference(name: string): Part {
  return { $ref: `#/components/schemas/${name}` }
}

function json(description: string, name: string): Part {
  return { description, content: { 'application/json': { schema: reference(name) } } }
}

/** Draft 7 as fastify reads it, in the words of JSON Schema 2020-12, which knows no `nullable`. */
function modern(schema: JsonSchema): JsonSchema {
  const { nullable, ...rest } = schema
  const entries = Object.entries(rest).map(([name, value]) => [name, modernValue(value)])
  const converted = Object.fromEntries(entries) as Part
  return nullable === true ? { ...converted, type: [rest['type'], 'null'] } : converted
}

function modernValue(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  return modern(value as JsonSchema)
}
