/**
 * What do two servers' lists of global transaction ids say about each other?
 *
 * A GTID is `domain-server-sequence`. MariaDB writes several as a comma-separated list: a *position* has
 * one per domain, a *state* (`gtid_binlog_state`) one per domain and server, the newest of a domain last.
 * Only the state shows what a server wrote that another never saw; a position hides it behind the newest
 * transaction of somebody else.
 *
 * Pure. Sequence numbers beyond 2^53 are refused as unreadable: a server writing a million
 * transactions a second gets there after 285 years.
 */

export interface Gtid {
  domain: number
  server: number
  sequence: number
}

/** One stretch of transactions, first and last included. */
export interface GtidRange {
  domain: number
  server: number
  first: number
  last: number
}

/**
 * Reads a list as MariaDB prints it; the empty string is the empty list.
 *
 * @returns null when it is no such list
 */
export function parseGtidList(text: string): Gtid[] | null {
  const list: Gtid[] = []
  if (text.trim() === '') return list
  for (const part of text.split(',')) {
    const match = /^\s*(\d+)-(\d+)-(\d+)\s*$/.exec(part)
    if (match === null) return null
    const [domain, server, sequence] = [Number(match[1]), Number(match[2]), Number(match[3])]
    if (![domain, server, sequence].every(Number.isSafeInteger)) return null
    list.push({ domain, server, sequence })
  }
  return list
}

/** `0-1-5,0-2-9`. */
export function formatGtidList(list: readonly Gtid[]): string {
  return list.map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`).join(',')
}

/** `0-1-6..10`, or `0-1-6` for a single one. */
export function formatGtidRange({ domain, server, first, last }: GtidRange): string {
  return `${domain}-${server}-${first}${first === last ? '' : `..${last}`}`
}

/** The newest transaction of a domain; null when there is none. */
export function newestOf(list: readonly Gtid[], domain: number): Gtid | null {
  return list
    .filter((gtid) => gtid.domain === domain)
    .reduce<Gtid | null>(
      (best, gtid) => (best === null || gtid.sequence > best.sequence ? gtid : best),
      null,
    )
}

/** Domains that occur, ascending. */
export function domainsOf(list: readonly Gtid[]): number[] {
  return [...new Set(list.map(({ domain }) => domain))].sort((one, other) => one - other)
}

export interface GtidDifference {
  /** What only we have, per domain and server. */
  errant: GtidRange[]
  /** Our state without it: what both have, the newest of a domain last. */
  common: Gtid[]
}

/**
 * Compares two states. Per domain and server: what we have beyond the peer's sequence number is ours
 * alone.
 *
 * A server the peer's state does not name at all counts as seen by the peer when the peer's list was
 * begun anew (after RESET MASTER it names only its newest) and holds something newer than all of it:
 * sequence numbers of a domain only rise, as `gtid_strict_mode` sees to on both.
 *
 * A server's first sequence number need not be 1, so for one the peer has nothing of, the range begins
 * after the newest common transaction of its domain.
 */
export function compareStates(ours: readonly Gtid[], theirs: readonly Gtid[]): GtidDifference {
  const errant: Gtid[] = []
  const common: Gtid[] = []
  for (const gtid of ours) {
    const seen = sequenceSeen(gtid, ours, theirs)
    if (gtid.sequence > seen) errant.push(gtid)
    if (Math.min(gtid.sequence, seen) > 0) {
      common.push({ ...gtid, sequence: Math.min(gtid.sequence, seen) })
    }
  }
  common.sort((one, other) => one.domain - other.domain || one.sequence - other.sequence)
  const ranges = errant.map(({ domain, server, sequence }) => ({
    domain,
    server,
    first: (newestOf(common, domain)?.sequence ?? 0) + 1,
    last: sequence,
  }))
  return { errant: ranges, common }
}

function sequenceSeen(gtid: Gtid, ours: readonly Gtid[], theirs: readonly Gtid[]): number {
  const named = theirs.find(
    ({ domain, server }) => domain === gtid.domain && server === gtid.server,
  )
  if (named !== undefined) return named.sequence
  // Is there one that both know and that came later in our own history?
  const later = ours.some(
    (own) =>
      own.domain === gtid.domain &&
      own.sequence > gtid.sequence &&
      theirs.some(
        (other) =>
          other.domain === own.domain &&
          other.server === own.server &&
          other.sequence > gtid.sequence,
      ),
  )
  return later ? gtid.sequence : 0
}

/** How many transactions a list of ranges holds. */
export function countOf(ranges: readonly GtidRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + Math.max(0, last - first + 1), 0)
}
