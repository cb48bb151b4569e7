/**
 * What does `GET /v1/events` tell, and in which words? Part of `schema.ts`.
 *
 *   status      the whole status document: at the begin, at most once a second when something changed, and
 *               every five seconds for its figures; without an id
 *   transition  a change of the role
 *   alarm       one was raised, or is over
 *   operation   an operation of an operator went on; the whole of it
 *   gap         events were missed: the id that was asked for is not remembered any more
 */

import { alarm } from './alarm-schema.ts'
import { type Of, object, oneOf, text } from './json-schema.ts'
import { operationSchema, statusSchema, transition } from './schema.ts'

export const alarmEventSchema = object('an alarm that was raised or is over', {
  now: oneOf('what became of it', ['raised', 'over']),
  alarm,
})

export const gapEventSchema = object('events were missed; the status that follows is whole', {
  after: text('the id that is not remembered any more'),
})

/** By the name of the event. */
export const EVENT_SCHEMAS = {
  status: statusSchema,
  transition,
  alarm: alarmEventSchema,
  operation: operationSchema,
  gap: gapEventSchema,
} as const

type Documents = { [K in keyof typeof EVENT_SCHEMAS]: Of<(typeof EVENT_SCHEMAS)[K]> }

/** What is remembered for those who come back. */
export type AgentEvent = {
  [K in 'transition' | 'alarm' | 'operation']: { type: K; document: Documents[K] }
}['transition' | 'alarm' | 'operation']
