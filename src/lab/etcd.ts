/**
 * A real etcd on a machine of the lab: the witness of pairs, with certificates for itself and its clients.
 *
 * It wants a certificate of whoever asks. Its data lies in the lab's directory unless another is named; that
 * is in memory, so the disk it would wait for is none.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabPlan, MachineName } from './plan.ts'
import { namespaceOf } from './plan.ts'
import { attempt, inside, killUntilGone, must, type Running, startProgram } from './process.ts'

export const ETCD_PORT = 2379
const START_TRIES = 250
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export interface LabEtcdOptions {
  /** Its machine; one that both nodes reach. `outside`: this one, for clients outside of the lab. */
  on: MachineName | 'outside'
  /** Where its data lies instead. */
  dataDirectory?: string
}

export class LabEtcd {
  readonly #plan: LabPlan
  readonly #options: LabEtcdOptions
  #program: Running | null = null

  constructor(plan: LabPlan, options: LabEtcdOptions) {
    this.#plan = plan
    this.#options = options
  }

  get endpoint(): string {
    return `https://${this.#address}:${ETCD_PORT}`
  }

  get files(): { ca: string; certificate: string; key: string } {
    const { directory } = this
    return {
      ca: `${directory}/ca.crt`,
      certificate: `${directory}/client.crt`,
      key: `${directory}/client.key`,
    }
  }

  get directory(): string {
    return `${this.#plan.workDir}/etcd`
  }

  /** Lines below `tandem` of both nodes. */
  configLines(record: string): string[] {
    const { ca, certificate, key } = this.files
    return [
      'mode: witness',
      'witness:',
      `  etcd: ['${this.endpoint}']`,
      `  record: ${record}`,
      `  ca_file: ${ca}`,
      `  certificate_file: ${certificate}`,
      `  key_file: ${key}`,
    ]
  }

  /** Makes certificates where there are none, starts it on what its data holds, waits until it is well. */
  async start(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    await this.#makeCertificates()
    const { endpoint, directory } = this
    const tls = [`--cert-file=${directory}/server.crt`, `--key-file=${directory}/server.key`]
    const peers = 'http://127.0.0.1:2380'
    this.#program = startProgram(
      this.#there([
        'etcd',
        `--data-dir=${this.#dataDirectory}`,
        ...[`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`],
        ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
        `--initial-cluster=default=${peers}`,
        ...[...tls, `--trusted-ca-file=${directory}/ca.crt`, '--client-cert-auth=true'],
        '--log-level=warn',
      ]),
      { logFile: `${directory}/etcd.log` },
    )
    for (let tries = 0; tries < START_TRIES; tries += 1) {
      const health = await attempt('ask etcd', this.#ctl('endpoint', 'health'))
      if (health.ok) return
      await sleep(20)
    }
    throw new Error('lab: etcd did not start')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#program !== null) process.kill(this.#program.pid, signal)
  }

  /** What the record of a pair holds; empty where there is none. */
  async record(name: string): Promise<string> {
    const words = this.#ctl('get', '--print-value-only', `/tandem/witness/${name}`)
    return (await must('read the record', words)).trim()
  }

  /** Kills it; its data stays. */
  async kill(): Promise<void> {
    const program = this.#program
    if (program === null) return
    this.#program = null
    await killUntilGone(() => (program.ended() ? [] : [program.pid]))
  }

  get #address(): string {
    const { on } = this.#options
    return on === 'outside' ? '127.0.0.1' : this.#plan.machines[on].ipv4
  }

  #there(command: readonly string[]): string[] {
    const { on } = this.#options
    return on === 'outside' ? [...command] : inside(namespaceOf(this.#plan, on), command)
  }

  get #dataDirectory(): string {
    return this.#options.dataDirectory ?? `${this.directory}/data`
  }

  #ctl(...words: string[]): string[] {
    const { ca, certificate, key } = this.files
    const who = [`--cacert=${ca}`, `--cert=${certificate}`, `--key=${key}`]
    const command = ['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${this.endpoint}`, ...who]
    return this.#there([...command, ...words])
  }

  async #makeCertificates(): Promise<void> {
    const { directory } = this
    const ca = [`${directory}/ca.key`, `${directory}/ca.crt`]
    const days = ['-days', '30']
    const made = await attempt('look for certificates', ['test', '-e', ca[1] ?? ''])
    if (made.ok) return
    const openssl = (...words: string[]): Promise<string> =>
      must('make a certificate', ['openssl', ...words])
    const authority = ['-subj', '/CN=lab', ...days, '-keyout', ca[0] ?? '', '-out', ca[1] ?? '']
    await openssl('req', '-x509', ...EC, ...authority)
    for (const [name, names] of [
      ['server', `subjectAltName=IP:${this.#address}`],
      ['client', 'subjectAltName=DNS:pair'],
    ] as const) {
      const [key, request] = [`${directory}/${name}.key`, `${directory}/${name}.csr`]
      const extensions = `${directory}/${name}.ext`
      await writeFile(extensions, `${names}\nextendedKeyUsage=serverAuth,clientAuth\n`)
      await openssl('req', ...EC, '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
      const by = ['-CA', ca[1] ?? '', '-CAkey', ca[0] ?? '', '-CAcreateserial', ...days]
      const out = ['-extfile', extensions, '-out', `${directory}/${name}.crt`]
      await openssl('x509', '-req', '-in', request, ...by, ...out)
    }
  }
}
