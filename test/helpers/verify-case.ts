/** `tandem verify` as an operator runs it, in this process: configuration, state and passwords on disk. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, type VerifyDoors } from '../../src/cli/verify.ts'
import { openVerifier } from '../../src/daemon/open-verifier.ts'
import type { VerifyResult } from '../../src/daemon/verify-record.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { CONFIG, NETWORK } from './config-case.ts'

export interface VerifyServers {
  kind: 'redis' | 'mariadb'
  /** Of the server of the node that compares, and of the other. */
  port: number
  peerPort: number
  user: string
  password: string
  more?: string
}

export class VerifyCase {
  readonly directory = mkdtempSync(join(tmpdir(), 'tandem-verify-'))
  /** Set by a run that can be stopped. */
  stop: () => void = () => {}
  /** What the newest run has printed so far. */
  seen: () => string = () => ''

  constructor({ kind, port, peerPort, user, password, more = '' }: VerifyServers) {
    const passwordFile = join(this.directory, 'password')
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
    const account = `verify_user: ${user}, verify_password_file: ${passwordFile}`
    const where = `port: ${port}, peer_address: 127.0.0.1, peer_port: ${peerPort}`
    writeFileSync(join(this.directory, 'network.yml'), NETWORK)
    writeFileSync(
      join(this.directory, 'config.yml'),
      `${CONFIG}  stores: {${kind}: {${where}, ${account}${more}}}\n`,
    )
  }

  async run(words: readonly string[], changes: Partial<VerifyDoors> = {}) {
    const io = capturedIo()
    this.seen = () => io.out
    const doors: VerifyDoors = {
      open: openVerifier,
      lockFile: () => true,
      onStop: (stop) => {
        this.stop = stop
        return () => {}
      },
      now: () => new Date(),
      ...changes,
    }
    const places = ['--config', this.directory, '--state', this.directory, '--node', 'sp1']
    const exitCode = await run([...words, ...places], io, doors)
    return { exitCode, out: io.out, err: io.err }
  }

  async result(...words: string[]): Promise<VerifyResult & { exitCode: number }> {
    const { exitCode, out } = await this.run([...words, '--json'])
    return { ...(JSON.parse(out) as VerifyResult), exitCode }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
