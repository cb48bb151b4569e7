/**
 * How is a service, in a word or a clause of somebody who knows `monit summary`?
 */
import type { StatusDocument } from './schema.ts'
import type { Word } from './tone.ts'

export type Service = StatusDocument['services'][number]

/** In monit's words. */
export function serviceWord(service: Service): Word {
  const { process, probe, probed, wanted } = service
  const why = service.why === null ? '' : `: ${service.why}`
  if (!service.monitored) return { text: 'Not monitored', tone: 'warn' }
  if (service.exhausted) return { text: `Failed, tried on seldom${why}`, tone: 'bad' }
  if (service.held) return { text: 'Stopped by an operator', tone: 'warn' }
  if (service.trouble !== null) return { text: service.trouble, tone: 'warn' }
  if (process === 'unknown') return { text: 'Initializing', tone: 'plain' }
  if (process === 'starting') return { text: 'Starting', tone: 'plain' }
  if (process === 'stopping') return { text: 'Stopping', tone: 'plain' }
  if (process === 'stopped') {
    if (wanted === 'running') return { text: `Does not exist${why}`, tone: 'bad' }
    return { text: wanted === null ? 'Does not exist' : 'Stopped, as wanted', tone: 'dim' }
  }
  if (wanted === 'stopped') return { text: 'Runs, and should not', tone: 'bad' }
  if (probe === 'failing') return { text: `Probes fail${why}`, tone: 'bad' }
  if (probe === 'unknown' && probed && wanted !== null) {
    return { text: 'Initializing', tone: 'plain' }
  }
  return { text: 'OK', tone: 'good' }
}
