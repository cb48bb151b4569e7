/**
 * What may whoever asks do? The document of `GET /v1/access`; part of `schema.ts`.
 */
import { exactly, type Of, object, oneOf } from './json-schema.ts'
import { SCHEMA_VERSION } from './schema.ts'

export const accessSchema = object('what whoever asks may do', {
  schema: exactly('version of this document', SCHEMA_VERSION),
  node: oneOf('that was asked', ['sp1', 'sp2']),
  access: oneOf('full: also give orders', ['full', 'read']),
})

export type AccessDocument = Of<typeof accessSchema>
