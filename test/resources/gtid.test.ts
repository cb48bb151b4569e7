import { describe, expect, it } from 'vitest'
import {
  compareStates,
  countOf,
  domainsOf,
  formatGtidList,
  formatGtidRange,
  newestOf,
  parseGtidList,
} from '../../src/resources/gtid.ts'

const list = (text: string) => {
  const parsed = parseGtidList(text)
  if (parsed === null) throw new Error(`not a list: ${text}`)
  return parsed
}

const compare = (ours: string, theirs: string) => {
  const { errant, common } = compareStates(list(ours), list(theirs))
  return {
    errant: errant.map(formatGtidRange).join(),
    common: formatGtidList(common),
    count: countOf(errant),
  }
}

describe('a GTID list', () => {
  it('is read as the server prints it and written back the same', () => {
    for (const text of ['', '0-1-5', '0-1-5,0-2-9', '0-1-5,1-2-18446744073']) {
      expect(formatGtidList(list(text))).toBe(text)
    }
    expect(list(' 0-1-5, 0-2-9 ')).toEqual(list('0-1-5,0-2-9'))
  })

  it('is refused when it is none', () => {
    for (const text of [
      '0-1',
      '0-1-5,',
      'x',
      '0-1--5',
      '0-1-5;0-2-9',
      '0-1-99999999999999999999',
    ]) {
      expect(parseGtidList(text)).toBe(null)
    }
  })

  it('tells the newest of a domain and which domains occur', () => {
    expect(newestOf(list('0-1-5,0-2-9,1-1-70'), 0)).toEqual({ domain: 0, server: 2, sequence: 9 })
    expect(newestOf([], 0)).toBe(null)
    expect(domainsOf(list('2-1-5,0-2-9,0-1-70'))).toEqual([0, 2])
  })
})

describe('comparing two states', () => {
  it('finds what the peer never saw although its newest is newer', () => {
    expect(compare('0-1-10', '0-1-5,0-2-9')).toEqual({
      errant: '0-1-6..10',
      common: '0-1-5',
      count: 5,
    })
  })

  it('finds nothing when the peer has everything', () => {
    expect(compare('0-1-5', '0-1-5')).toEqual({ errant: '', common: '0-1-5', count: 0 })
    expect(compare('0-1-5,0-2-9', '0-1-12,0-2-9').errant).toBe('')
    expect(compare('', '0-1-5')).toEqual({ errant: '', common: '', count: 0 })
  })

  it('finds a tail although the peer wrote nothing since', () => {
    expect(compare('0-2-3,0-1-10', '0-2-3,0-1-5').errant).toBe('0-1-6..10')
  })

  it('begins the range after the newest that both have, whoever wrote that', () => {
    expect(compare('0-2-7,0-1-9', '0-1-4,0-2-7')).toEqual({
      errant: '0-1-8..9',
      common: '0-1-4,0-2-7',
      count: 2,
    })
  })

  it('finds transactions of a server that the peer knows nothing of', () => {
    expect(compare('0-2-3,0-1-5', '0-2-9').errant).toBe('0-1-4..5')
    expect(compare('0-1-5', '').errant).toBe('0-1-1..5')
  })

  it('does not take a list that was begun anew for a loss of what came before', () => {
    // The peer undid its tail once: its list names its newest common transaction only.
    expect(compare('0-2-3,0-1-5', '0-1-8').errant).toBe('')
  })

  it('keeps domains apart', () => {
    expect(compare('0-1-5,1-1-7', '0-1-5,1-1-3')).toEqual({
      errant: '1-1-4..7',
      common: '0-1-5,1-1-3',
      count: 4,
    })
  })

  it('writes one transaction without a range', () => {
    expect(formatGtidRange({ domain: 0, server: 1, first: 6, last: 6 })).toBe('0-1-6')
  })
})
