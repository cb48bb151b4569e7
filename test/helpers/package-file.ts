/**
 * The Debian package of this checkout, built for a test: once for each version that is asked for.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/lab/program.ts'
import { run } from '../../src/system/exec.ts'

const BUILD_LIMIT_MS = 300_000

let directory: string | null = null

/** @returns path of the file, which goes when the process ends */
export async function buildPackage(version: string): Promise<string> {
  if (directory === null) {
    const made = mkdtempSync(join(tmpdir(), 'tandem-package-'))
    directory = made
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  }
  const options = ['--quick', '--version', version, '--output', directory]
  const built = await run({
    label: 'build the package',
    command: join(packageRoot(), 'packaging/deb/build.sh'),
    args: options,
    timeoutMs: BUILD_LIMIT_MS,
  })
  if (!built.ok) throw new Error(`${built.message}\n${built.stderr}`)
  const architecture = await run({
    label: 'ask for the architecture',
    command: 'dpkg',
    args: ['--print-architecture'],
    timeoutMs: 5_000,
  })
  return join(directory, `tandem_${version}_${architecture.stdout.trim()}.deb`)
}
