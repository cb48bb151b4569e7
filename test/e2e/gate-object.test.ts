/**
 * Is the shipped kernel program the one that its source gives? Skipped where no clang is.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

/** Other releases of the compiler give other, equally good bytes. */
const COMPILER = 'clang version 14.'

const version = spawnSync('clang', ['--version'], { encoding: 'utf8' }).stdout ?? ''

it.skipIf(!version.includes(COMPILER))(
  'gate.o is what build.sh makes of gate.bpf.c, byte for byte, in any directory',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'tandem-object-'))
    try {
      execFileSync('cp', ['src/gate/gate.bpf.c', 'src/gate/build.sh', directory])
      execFileSync(join(directory, 'build.sh'))
      const built = readFileSync(join(directory, 'gate.o'))
      expect(built.equals(readFileSync('src/gate/gate.o'))).toBe(true)
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)
