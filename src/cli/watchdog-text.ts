/**
 * How does what resets this machine look in a status? One line; empty where none is used.
 */
import { formatMs } from '../control/duration.ts'
import type { StatusDocument } from '../control/schema.ts'
import type { Paint } from './paint.ts'
import { printable } from './table.ts'

export function watchdogLine({ watchdog }: StatusDocument, paint: Paint): string {
  if (watchdog === null) return ''
  const { device, identity, timeoutSeconds, fedMsAgo, trouble } = watchdog
  const name = printable(identity === null ? device : `${device} (${identity})`)
  const time = timeoutSeconds === null ? 'a time not known' : `${timeoutSeconds} s`
  const fed = fedMsAgo === null ? 'not fed yet' : `fed ${formatMs(fedMsAgo)} ago`
  const state = trouble === null ? fed : paint(printable(trouble), 'bad')
  const resets = fedMsAgo === null ? '' : `resets this machine after ${time} without a word, `
  return `watchdog  ${name}: ${resets}${state}\n`
}
