import { describe, expect, it } from 'vitest'
import { nearMiss, snakeCase } from '../../src/config/near-miss.ts'

describe('a near miss', () => {
  const KEYS = ['mode', 'gate', 'port', 'key_file', 'main_stall_ms', 'pingnodes', 'ip']
  it.each([
    ['mdoe', 'mode'],
    ['modes', 'mode'],
    ['Gate', 'gate'],
    ['keyFile', 'key_file'],
    ['key-file', 'key_file'],
    ['main_stal_m', 'main_stall_ms'],
    ['ping_nodes', 'pingnodes'],
    ['pignode', 'pingnodes'],
    ['moooode', null],
    ['xy', null],
    ['ipp', null],
    ['', null],
    ['x'.repeat(100_000), null],
  ])('of "%s" is %s', (written, meant) => {
    expect(nearMiss(written, KEYS)).toBe(meant)
  })
})

describe('snake case', () => {
  it.each([
    ['mainStallMs', 'main_stall_ms'],
    ['main-stall-ms', 'main_stall_ms'],
    ['main_stall_ms', 'main_stall_ms'],
  ])('of %s is %s', (written, plain) => {
    expect(snakeCase(written)).toBe(plain)
  })
})
