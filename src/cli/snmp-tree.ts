/**
 * Which values does SNMP show of this node, and which comes after which?
 *
 * As `packaging/snmp/TANDEM-MIB.txt` says; a test compares. Pure.
 */
import type { StatusDocument } from '../control/schema.ts'

/** The net-snmp project keeps this place free for everybody; see the MIB. */
export const ROOT_OID = '.1.3.6.1.4.1.8072.9999.9999.694'

/** A value as net-snmp's pass_persist takes it. */
export interface SnmpValue {
  oid: string
  type: 'integer' | 'gauge' | 'string' | 'counter64'
  value: string
}

const STATES = { active: 1, standby: 2, transition: 3, unknown: 4 } as const
/** snmpd takes one line, and cuts longer ones itself. */
const TEXT_MAX_CHARS = 255

/** In the order of their OIDs. @param status  null while no agent answers */
export function snmpValues(status: StatusDocument | null): SnmpValue[] {
  const scalar = (number: number, type: SnmpValue['type'], value: string | number): SnmpValue => ({
    ...{ oid: `${ROOT_OID}.1.${number}.0`, type, value: oneLine(String(value)) },
  })
  if (status === null) return [scalar(2, 'integer', STATES.unknown)]
  const { node, local, peer, lastTransition, alarms, drift, notices } = status
  const columns = ['code', 'about', 'sentence', 'mend', 'sinceIso'] as const
  return [
    scalar(1, 'string', node),
    scalar(2, 'integer', STATES[local.state]),
    scalar(3, 'gauge', Math.round(local.sinceMsAgo / 1000)),
    scalar(4, 'counter64', local.term),
    scalar(5, 'string', local.reason.sentence),
    scalar(6, 'integer', Math.round(lastTransition?.outageMs ?? -1)),
    scalar(7, 'integer', STATES[peer.state]),
    scalar(8, 'integer', truth(peer.heard)),
    scalar(9, 'integer', truth(peer.able === true)),
    scalar(10, 'gauge', status.score),
    scalar(11, 'gauge', status.pingNodes.length),
    scalar(12, 'gauge', alarms.length),
    scalar(13, 'gauge', drift.differences.length),
    scalar(14, 'gauge', notices.filter(({ state }) => state === 'failing').length),
    ...columns.flatMap((column, index) =>
      alarms.map((alarm, row) => ({
        oid: `${ROOT_OID}.2.1.${index + 2}.${row + 1}`,
        type: 'string' as const,
        value: oneLine(alarm[column]),
      })),
    ),
  ]
}

/** The value of exactly this place; null when there is none. */
export function valueAt(values: readonly SnmpValue[], oid: string): SnmpValue | null {
  return values.find((value) => value.oid === oid) ?? null
}

/** The first value behind a place; null at the end. */
export function valueAfter(values: readonly SnmpValue[], oid: string): SnmpValue | null {
  return values.find((value) => compareOids(value.oid, oid) > 0) ?? null
}

function compareOids(one: string, other: string): number {
  const [ours, theirs] = [one, other].map((oid) => oid.split('.').slice(1).map(Number))
  for (const [index, number] of (ours ?? []).entries()) {
    const against = theirs?.[index]
    if (against === undefined) return 1
    if (number !== against) return number - against
  }
  return (ours?.length ?? 0) - (theirs?.length ?? 0)
}

/** TruthValue of RFC 2579. */
function truth(value: boolean): 1 | 2 {
  return value ? 1 : 2
}

function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, TEXT_MAX_CHARS)
}
