/** A real pair that serves its API over HTTPS, asked by curl from where its clients are. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run as runToken } from '../../src/cli/token.ts'
import type { StatusDocument } from '../../src/control/schema.ts'
import type { Workbench } from '../../src/lab/measure.ts'
import { LabNode } from '../../src/lab/node.ts'
import { askTandem, type PairDriver, tandemPair } from '../../src/lab/pair.ts'
import { type LabNodeName, namespaceOf, otherNode, planLab } from '../../src/lab/plan.ts'
import type { TimingProfileName } from '../../src/lab/platform-files.ts'
import { Prober } from '../../src/lab/prober.ts'
import { attempt, inside, must } from '../../src/lab/process.ts'
import { buildLab, type Lab } from '../../src/lab/topology.ts'
import { capturedIo } from '../fixtures/captured-io.ts'
import { type Certificate, makeCertificate } from './certificate.ts'
import { until } from './until.ts'

export const API_PORT = 8443

export interface Reply {
  status: number
  body: string
}

export interface ApiPair {
  lab: Lab
  bench: Workbench
  driver: PairDriver
  tokens: { read: string; operate: string }
  /** PEM file with what to trust. */
  trustFile: string
  certificateFile: string
  keyFile: string
  tokenFile: string
  /** Asks a node from the client's machine. */
  curl(node: LabNodeName, path: string, ...more: string[]): Promise<Reply>
  url(node: LabNodeName, path: string): string
  status(node: LabNodeName): Promise<StatusDocument>
  logOf(node: LabNodeName): string
  /** Starts both nodes anew, and waits until one serves and both answer. */
  begin(): Promise<{ active: LabNodeName; standby: LabNodeName }>
  destroy(): Promise<void>
}

export function bearer(token: string): string[] {
  return ['-H', `authorization: Bearer ${token}`]
}

/** @param more  lines of `tandem.api` besides the place and the files, as in a YAML map */
export async function apiPair(
  prefix: string,
  more: readonly string[] = [],
  profile: TimingProfileName = 'fast',
): Promise<ApiPair> {
  await must('look for curl', ['curl', '--version'])
  const lab = await buildLab(planLab(prefix))
  try {
    return await pairIn(lab, more, profile)
  } catch (error) {
    await lab.destroy()
    throw error
  }
}

async function pairIn(
  lab: Lab,
  more: readonly string[],
  profile: TimingProfileName,
): Promise<ApiPair> {
  const { plan } = lab
  const place = (name: string): string => join(plan.workDir, name)
  const [certificateFile, keyFile, tokenFile] = [
    place('api.crt'),
    place('api.key'),
    place('api.tokens'),
  ]
  const certificate = makeCertificate(
    `IP:${plan.machines.sp1.ipv4},IP:${plan.machines.sp2.ipv4},IP:127.0.0.1`,
    90,
  )
  putCertificate({ certificateFile, keyFile }, certificate)
  const tokens = {
    read: await makeToken(tokenFile, 'read', 'prometheus'),
    operate: await makeToken(tokenFile, 'operate', 'carol'),
  }
  const driver = tandemPair(
    profile,
    undefined,
    [],
    [
      'api:',
      ...[
        `listen: eth0:${API_PORT}`,
        `plain_listen: 127.0.0.1:${API_PORT + 1}`,
        `certificate_file: ${certificateFile}`,
        `key_file: ${keyFile}`,
        `token_file: ${tokenFile}`,
        ...more,
      ].map((line) => `  ${line}`),
    ],
  )
  const nodes = { sp1: new LabNode(lab, 'sp1'), sp2: new LabNode(lab, 'sp2') }
  const bench: Workbench = { lab, nodes, prober: new Prober(lab), profile }
  const url = (node: LabNodeName, path: string): string =>
    `https://${plan.machines[node].ipv4}:${API_PORT}${path}`
  const pair: ApiPair = {
    ...{ lab, bench, driver, tokens, certificateFile, keyFile, tokenFile },
    trustFile: certificateFile,
    url,
    async curl(node, path, ...options) {
      const argv = ['curl', '-sS', '-m', '10', '--cacert', certificateFile, '-w', '\n%{http_code}']
      const client = namespaceOf(plan, 'client')
      const result = await attempt('curl', inside(client, [...argv, ...options, url(node, path)]), {
        timeoutMs: 20_000,
      })
      const [status = '0', ...lines] = result.stdout.split('\n').reverse()
      return { status: Number(status), body: lines.reverse().join('\n') }
    },
    async status(node) {
      const result = await askTandem(nodes[node], 'status', '--json')
      // Without an agent it is an error document.
      if (!result.ok) throw new Error(result.message)
      return JSON.parse(result.stdout) as StatusDocument
    },
    logOf: (node) => readFileSync(nodes[node].logFile, 'utf8'),
    async begin() {
      await driver.prepare(lab)
      for (const node of Object.values(nodes)) {
        await node.reinstall()
        await driver.start(node)
      }
      const active = await until(async () => {
        for (const name of ['sp1', 'sp2'] as const) {
          const { status } = await pair.curl(name, '/active', ...bearer(tokens.read))
          if (status === 200) return name
        }
        return null
      })
      const standby = otherNode(active)
      await until(
        async () =>
          (await pair.curl(standby, '/standby', ...bearer(tokens.read))).status === 200 &&
          (await pair.status(active)).peer.heard,
      )
      return { active, standby }
    },
    destroy: () => lab.destroy(),
  }
  return pair
}

export function putCertificate(
  { certificateFile, keyFile }: { certificateFile: string; keyFile: string },
  { cert, key }: Certificate,
): void {
  writeFileSync(certificateFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  chmodSync(keyFile, 0o600)
}

export async function makeToken(
  file: string,
  role: 'read' | 'operate',
  name: string,
): Promise<string> {
  const io = capturedIo()
  const code = await runToken(['new', '--role', role, '--name', name, '--file', file], io)
  if (code !== 0) throw new Error(io.err)
  return io.out.trim()
}
