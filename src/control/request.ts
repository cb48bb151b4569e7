/**
 * Is this a request we understand? The second look, after JSON Schema had the first.
 *
 * What the schema cannot say well: which fields go together. And how a schema's complaint is said to
 * an operator: naming the field and the mend, not the path of a validator.
 */
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import type { Of } from './json-schema.ts'
import type { OperationRequest, operationRequestSchema } from './schema.ts'

export interface Complaint {
  code: 'HA_REQUEST_INVALID' | 'HA_REQUEST_TOO_LARGE'
  message: string
  mend: string
}

/** Longer notes are cut. */
const NOTE_MAX = 200

export type CheckedRequest = { ok: true; request: OperationRequest } | ({ ok: false } & Complaint)

/** Completes a request that has the right shape, or says which field does not belong. */
export function checkRequest(body: unknown): CheckedRequest {
  const { kind, node = null, force = false, on, note } = body as Of<typeof operationRequestSchema>
  if (kind === 'data-archive' || kind === 'data-rejoin') return checkDataRequest(body)
  if (kind === 'service') return checkServiceRequest(body)
  if (kind === 'drain') return checkDrainRequest(body)
  if (kind === 'reload') return checkReloadRequest(body)
  const foreign = foreignField(body, ['store', 'copy', 'verb', 'service'])
  if (foreign !== null) return invalid(`'${foreign}' does not belong to ${kind}`, 'leave it out')
  if (kind === 'maintenance') {
    if (note !== undefined) return invalid("'note' does not belong to maintenance", 'leave it out')
    if (on !== undefined) return { ok: true, request: { kind, node, force, on } }
    return invalid("'on' is missing", "say 'on': true to begin the maintenance, false to end it")
  }
  if (on === undefined) {
    const said = note === undefined ? {} : { note: note.slice(0, NOTE_MAX) }
    return { ok: true, request: { kind, node, force, ...said } }
  }
  return invalid(`'on' does not belong to ${kind}`, 'leave it out; it is for maintenance only')
}

function checkServiceRequest(body: unknown): CheckedRequest {
  const { verb, service = null } = body as Of<typeof operationRequestSchema>
  const foreign = foreignField(body, ['node', 'force', 'on', 'store', 'copy', 'note'])
  if (foreign !== null) {
    return invalid(`'${foreign}' does not belong to service`, 'leave it out; ask the node itself')
  }
  if (verb === undefined) return invalid("'verb' is missing", 'say what to do, as restart')
  return { ok: true, request: { kind: 'service', node: null, force: false, verb, service } }
}

function checkDrainRequest(body: unknown): CheckedRequest {
  const { on } = body as Of<typeof operationRequestSchema>
  const foreign = foreignField(body, ['node', 'force', 'store', 'copy', 'verb', 'service', 'note'])
  if (foreign !== null) return invalid(`'${foreign}' does not belong to drain`, 'leave it out')
  if (on !== undefined)
    return { ok: true, request: { kind: 'drain', node: null, force: false, on } }
  return invalid("'on' is missing", "say 'on': true to drain the pair, false to end that")
}

function checkReloadRequest(body: unknown): CheckedRequest {
  const fields = ['node', 'force', 'on', 'store', 'copy', 'verb', 'service', 'note']
  const foreign = foreignField(body, fields)
  if (foreign === null) return { ok: true, request: { kind: 'reload', node: null, force: false } }
  return invalid(`'${foreign}' does not belong to reload`, 'leave it out; ask the node itself')
}

function checkDataRequest(body: unknown): CheckedRequest {
  const { kind, store, copy = false } = body as Of<typeof operationRequestSchema>
  const foreign = foreignField(body, ['node', 'force', 'on', 'verb', 'service', 'note'])
  if (foreign !== null) {
    return invalid(`'${foreign}' does not belong to ${kind}`, 'leave it out; ask the node itself')
  }
  if (store === undefined) return invalid("'store' is missing", 'name the store')
  const whole = { node: null, force: false as const, store }
  if (kind === 'data-rejoin') return { ok: true, request: { ...whole, kind, copy } }
  if (kind === 'data-archive' && !copy) return { ok: true, request: { ...whole, kind } }
  return invalid(`'copy' does not belong to ${kind}`, 'leave it out; it is for data-rejoin only')
}

function foreignField(body: unknown, fields: readonly string[]): string | null {
  const given = body as Record<string, unknown>
  return fields.find((field) => given[field] !== undefined) ?? null
}

/**
 * What a failure of fastify before our own code says about the request.
 *
 * @returns null when it does not say anything about the request: then it is a mistake of ours
 */
export function complaintOf(error: FastifyError): (Complaint & { status: number }) | null {
  const first = error.validation?.[0]
  if (first !== undefined) {
    return { status: 400, ...validationComplaint(first, error.validationContext ?? 'request') }
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return {
        status: 413,
        code: 'HA_REQUEST_TOO_LARGE',
        message: 'the body has more than 16 KiB',
        mend: 'send one request, as in the README',
      }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return {
        status: error.statusCode ?? 400,
        ...complain('the body is not JSON', 'send content-type: application/json and one object'),
      }
    default: {
      const status = error.statusCode ?? 500
      if (status < 400 || status >= 500) return null
      return { status, ...complain('the request was not understood', 'see the README for /v1') }
    }
  }
}

function validationComplaint(error: FastifySchemaValidationError, where: string): Complaint {
  const { keyword, params, instancePath } = error
  const field = instancePath.slice(1).replaceAll('/', '.')
  const named = field === '' ? `the ${where}` : `'${field}'`
  switch (keyword) {
    case 'additionalProperties':
      return complain(
        `'${short(params['additionalProperty'])}' is not a field of the ${where}`,
        'leave it out, or correct its name',
      )
    case 'required':
      return complain(`'${short(params['missingProperty'])}' is missing`, 'add it')
    case 'enum':
      return complain(
        `${named} has an unknown value`,
        `use one of: ${short(params['allowedValues'])}`,
      )
    case 'type':
      return complain(`${named} is not of type ${short(params['type'])}`, 'correct it')
    default:
      return complain(`${named} ${error.message ?? 'is not valid'}`, 'correct it')
  }
}

function short(value: unknown): string {
  const shown = Array.isArray(value) ? value.join(', ') : String(value)
  return shown.slice(0, 100)
}

function complain(message: string, mend: string): Complaint {
  return { code: 'HA_REQUEST_INVALID', message, mend }
}

function invalid(message: string, mend: string): { ok: false } & Complaint {
  return { ok: false, ...complain(message, mend) }
}
