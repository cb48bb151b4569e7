/**
 * How do the services look to somebody who knows `monit summary`?
 *
 * One word or clause per service, in monit's words where it has one; and all that is known of one.
 */
import { formatMs } from '../control/duration.ts'
import { type Service, serviceWord } from '../control/service-word.ts'
import type { Paint } from './paint.ts'
import { type Cell, cell, table } from './table.ts'

/** All of them, one line each. */
export function servicesTable(services: readonly Service[], paint: Paint): string {
  return table(
    [
      ['SERVICE', 'STATUS', 'WANTED', 'MODE', 'UP', 'FAILURES'].map((word) => cell(word, 'title')),
      ...services.map((service) => [
        service.name,
        stateCell(service),
        service.wanted ?? '-',
        service.mode,
        service.runsMs === null ? '-' : formatMs(service.runsMs),
        `${service.failures} of ${service.failuresMax}`,
      ]),
    ],
    paint,
  )
}

/** Everything about one of them. */
export function serviceText(service: Service, paint: Paint): string {
  const rows: [string, Cell | string][] = [
    ['service', service.name],
    ['status', stateCell(service)],
    ['wanted', service.wanted ?? 'nothing: an operator looks after it'],
    ['mode', `${service.mode}${service.essential ? '' : ', not essential'}`],
    ['run by', service.backend],
    ['process', service.pid === null ? service.process : `${service.process}, pid ${service.pid}`],
    ['probes', service.probed ? service.probe : 'none configured'],
    ['up', service.runsMs === null ? '-' : formatMs(service.runsMs)],
    ['failures', `${service.failures}, with more than ${service.failuresMax} the node is unfit`],
    ['last trouble', service.why ?? '-'],
    ['trouble now', service.trouble ?? '-'],
  ]
  return table(
    rows.map(([title, value]) => [cell(title, 'title'), value]),
    paint,
  )
}

function stateCell(service: Service): Cell {
  const { text, tone } = serviceWord(service)
  return cell(text, tone)
}
