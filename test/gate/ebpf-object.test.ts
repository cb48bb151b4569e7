/**
 * Will every loader put the gate's programs where we look for them? Looks at the shipped object
 * only; loading is in test/e2e/gate.test.ts.
 */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PROGRAMS } from '../../src/gate/traffic-control.ts'

/** Names of the sections of a 64-bit little-endian ELF file, in the order of the file. */
function sectionNames(elf: Buffer): string[] {
  const tableAt = Number(elf.readBigUInt64LE(0x28))
  const [entrySize, count, namesIndex] = [0x3a, 0x3c, 0x3e].map((at) => elf.readUInt16LE(at))
  if (!entrySize || count === undefined || namesIndex === undefined) throw new Error('no sections')
  const header = (index: number): Buffer => elf.subarray(tableAt + index * entrySize)
  const namesAt = Number(header(namesIndex).readBigUInt64LE(0x18))
  return Array.from({ length: count }, (_, index) => {
    const start = namesAt + header(index).readUInt32LE(0)
    return elf.toString('latin1', start, elf.indexOf(0, start))
  })
}

it('each program is pinned under its own name, by libbpf before 1.0 too, which takes that of the section', () => {
  const names = sectionNames(readFileSync('src/gate/gate.o'))
  const pins = names.filter((name) => /^tandem/.test(name)).map((name) => name.replaceAll('/', '_'))
  expect(pins).toEqual([...PROGRAMS])
})
