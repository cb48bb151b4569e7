/**
 * Is our filter told from those of others, whichever release of tc describes it?
 */
import { describe, expect, it } from 'vitest'
import { type HookReading, judgeFilters, type TcFilter } from '../../src/gate/traffic-control.ts'

/** Each preference has such an entry first. */
const HEAD: TcFilter = { pref: 1, kind: 'bpf' }
const bpf = (options: TcFilter['options'], pref = 1): TcFilter => ({
  ...{ pref, kind: 'bpf' },
  options: options ?? {},
})
const OURS: HookReading = { ourProgramId: 7, ourProgram: 'tandem_out', ahead: null }
const NOTHING: HookReading = { ourProgramId: null, ourProgram: null, ahead: null }

const pinned = { handle: '0x1', bpf_name: 'tandem_out:[*fsobj]' }

describe('a tc filter', () => {
  it.each<{ promise: string; filters: TcFilter[]; reading: HookReading }>([
    {
      promise: 'is ours by the name of its program',
      filters: [HEAD, bpf({ ...pinned, prog: { id: 7, name: 'tandem_out' } })],
      reading: OURS,
    },
    {
      promise:
        'is ours by the name of its pin where tc does not tell that of the program (Debian 11)',
      filters: [HEAD, bpf({ ...pinned, prog: { id: 7 } })],
      reading: OURS,
    },
    {
      promise: 'is not ours when its program bears another name, whatever the pin is called',
      filters: [HEAD, bpf({ ...pinned, prog: { id: 7, name: 'other' } })],
      reading: { ...NOTHING, ahead: 'filter pref 1 bpf tandem_out:[*fsobj]' },
    },
    {
      promise: 'is not ours with another handle',
      filters: [HEAD, bpf({ ...pinned, handle: '0x9', prog: { id: 7, name: 'tandem_out' } })],
      reading: { ...NOTHING, ahead: 'filter pref 1 bpf tandem_out:[*fsobj]' },
    },
    {
      promise: 'of somebody else does not count when it is asked after ours',
      filters: [HEAD, bpf({ ...pinned, prog: { id: 7 } }), bpf({ handle: '0x1' }, 7)],
      reading: OURS,
    },
    { promise: 'of nobody is nothing', filters: [], reading: NOTHING },
  ])('$promise', ({ filters, reading }) => {
    expect(judgeFilters(filters)).toEqual(reading)
  })
})
