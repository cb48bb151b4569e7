/**
 * What does `GET /v1/data` answer? The stores of this node and what was set aside of them.
 *
 * A document of its own beside `schema.ts`, whose conventions hold here too: a status is asked for every
 * second and must not look through directories.
 */
import {
  count,
  exactly,
  list,
  nullable,
  type Of,
  object,
  oneOf,
  text,
  truth,
} from './json-schema.ts'
import { SCHEMA_VERSION } from './schema.ts'

/** GET /v1/data */
export const dataSchema = object(
  'what this node holds of the stores, and what was set aside of it',
  {
    schema: exactly('version of this document', SCHEMA_VERSION),
    node: oneOf('name inside the pair', ['sp1', 'sp2']),
    state: oneOf('the role in the words of the platform', [
      'active',
      'standby',
      'transition',
      'unknown',
    ]),
    behind: nullable(text('why the data of this node may not serve; null when it may')),
    stores: list(
      'as configured',
      object('one store', {
        name: text('as configured'),
        kind: oneOf('which server', ['redis', 'mariadb']),
        role: nullable(oneOf('whether applications may write', ['writable', 'read-only'])),
        following: truth("it gets what the peer's store writes"),
        offset: nullable(count('how far its data reaches')),
        backlog: nullable(count('received and not yet applied')),
        waiting: nullable(text('what is done about its return, or what that waits for')),
        rejoin: nullable(
          object('how it came to follow the peer last', {
            atIso: text('wall time'),
            sentence: text('for people'),
          }),
        ),
        archivesKept: count('so many of the newest archives are kept'),
        archives: list(
          'newest first',
          object('what was set aside once', {
            directory: text('path'),
            atIso: text('wall time'),
            verdict: nullable(
              oneOf('ahead: only there; unknown: could not be told', ['same', 'ahead', 'unknown']),
            ),
            count: nullable(count('transactions or bytes that the peer lacked')),
            bytes: count('of its files'),
            sentence: nullable(text('for people')),
          }),
        ),
      }),
    ),
  },
)

export type DataDocument = Of<typeof dataSchema>
