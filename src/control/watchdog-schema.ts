/**
 * How does what resets this machine look to whoever asks the agent? Part of `schema.ts`.
 */
import { nullable, number, object, text } from './json-schema.ts'

export const watchdog = nullable(
  object('the device that resets this machine when its agent is silent; null: none is used', {
    device: text('as configured'),
    identity: nullable(text('of its driver; null: not known')),
    timeoutSeconds: nullable(
      number('so long after the last word it resets the machine; null: it does not tell'),
    ),
    fedMsAgo: nullable(number('milliseconds since the last word; null: it was given none')),
    trouble: nullable(text('why it cannot be fed; null when it can')),
  }),
)
