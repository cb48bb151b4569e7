/** Goal: what is wrong with a file of the API is said with its mend, and no secret is repeated. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { readApiFiles } from '../../src/config/api-files.ts'
import type { ApiConfig } from '../../src/config/config.ts'
import { type Certificate, makeCertificate } from '../helpers/certificate.ts'
import { linesOf } from '../helpers/config-case.ts'

const NOW_MS = Date.now()
const DAY_MS = 86_400_000
let scratch = ''
let ours: Certificate
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'api-files-'))
  ours = makeCertificate('IP:127.0.0.1', 90)
})
afterAll(() => rmSync(scratch, { recursive: true }))

function put(name: string, text: string, mode = 0o600): string {
  const path = join(scratch, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

let api: ApiConfig
beforeEach(() => {
  api = {
    ...{ listen: [], clients: [], open: [], clientCaFile: null },
    certificateFile: put('crt', ours.cert, 0o644),
    keyFile: put('key', ours.key),
    tokenFile: put('tokens', `read lb1 ${'ab'.repeat(32)}\n`),
  }
})

async function said(changes: Partial<ApiConfig> = {}, nowMs = NOW_MS): Promise<string[]> {
  const { material, mistakes } = await readApiFiles({ ...api, ...changes }, nowMs)
  expect(material === null).toBe(mistakes.some(({ severity }) => severity === 'error'))
  return linesOf(mistakes).map((line) => line.replaceAll(scratch, 'DIR'))
}

it('good files are taken as they are', async () => {
  const { material, mistakes } = await readApiFiles(api, NOW_MS)
  expect(mistakes).toEqual([])
  expect(material).toMatchObject({ certificate: ours.cert, key: ours.key, clientCa: null })
  expect(material?.tokens.map(({ name }) => name)).toEqual(['lb1'])
  const leftMs = (material?.notAfterMs ?? 0) - NOW_MS
  expect(leftMs).toBeGreaterThan(89 * DAY_MS)
  expect(leftMs).toBeLessThan(91 * DAY_MS)
})

it('a file that is not there, or is there for others, is named', async () => {
  const none = join(scratch, 'none')
  expect(await said({ certificateFile: none })).toEqual([
    'error DIR/none  cannot read DIR/none: it does not exist -> put it in place, or correct its name below tandem.api',
  ])
  expect(await said({ tokenFile: none })).toEqual([
    'error DIR/none  cannot read DIR/none: it does not exist -> make it with "tandem token new"',
  ])
  expect(await said({ tokenFile: none, open: ['role'] })).toEqual([])
  for (const [key, name] of [
    ['keyFile', 'key'],
    ['tokenFile', 'tokens'],
  ] as const) {
    chmodSync(join(scratch, name), 0o640)
    expect(await said()).toEqual([
      `error DIR/${name}  DIR/${name} has mode 0640 instead of 0600 -> chown root DIR/${name} && chmod 600 DIR/${name}`,
    ])
    chmodSync(api[key] ?? '', 0o600)
  }
})

it('a file with something else in it is named', async () => {
  const junk = put('junk', 'hello\n')
  expect(await said({ certificateFile: junk })).toEqual([
    'error DIR/junk  holds no certificate that can be read -> write it as PEM',
  ])
  expect(await said({ keyFile: junk })).toEqual([
    'error DIR/junk  holds no private key that can be read -> write the key of the certificate as PEM, without a passphrase',
  ])
  expect(await said({ clientCaFile: junk })).toEqual([
    'error DIR/junk  holds no certificate that can be read -> write it as PEM',
  ])
  expect(await said({ tokenFile: junk })).toEqual([
    'error DIR/junk:1  does not begin with a role -> write read or operate',
  ])
})

it('a key of another certificate is named', async () => {
  const other = put('other', makeCertificate('IP:127.0.0.1').key)
  expect(await said({ keyFile: other })).toEqual([
    'error DIR/other  does not belong to the certificate in DIR/crt -> put certificate and key of the same request in place',
  ])
})

it('a certificate that runs out is served and warned of', async () => {
  expect(await said({}, NOW_MS + 80 * DAY_MS)).toEqual([
    expect.stringMatching(
      /^warning DIR\/crt {2}runs out on .* -> put a new one in place; it is taken/,
    ),
  ])
  expect(await said({}, NOW_MS + 91 * DAY_MS)).toEqual([
    expect.stringMatching(/^warning DIR\/crt {2}ran out on /),
  ])
})
