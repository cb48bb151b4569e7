/**
 * What do the files of the API say: certificate, key, tokens, who signs clients?
 *
 * Read when the API is served and whenever one of them changes, never by the agent itself: a
 * certificate that has run out must not keep a node from serving its platform.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Mistake } from '../errors.ts'
import {
  type FileContent,
  type FileFailure,
  readPrivateFile,
  readWholeFile,
} from '../system/file.ts'
import { type ApiToken, parseTokens } from '../wire/api-tokens.ts'
import type { ApiConfig, PairConfig } from './config.ts'
import { Findings } from './finding.ts'
import type { Place } from './tree.ts'

/** Bytes; a chain of certificates has some ten thousand. */
const FILE_MAX_BYTES = 256 * 1024
const DAY_MS = 86_400_000
/** Before a certificate runs out it is said for so long. */
const EXPIRY_WARNING_MS = 14 * DAY_MS

/** Ready to be used. Texts are PEM. */
export interface ApiMaterial {
  certificate: string | null
  key: string | null
  clientCa: string | null
  tokens: readonly ApiToken[]
  /** Wall time at which our certificate runs out; null without one. */
  notAfterMs: number | null
}

export interface ReadApiFiles {
  /** Null when there is an error among the mistakes. */
  material: ApiMaterial | null
  mistakes: readonly Mistake[]
}

export async function readApiFiles(api: ApiConfig, nowMs: number): Promise<ReadApiFiles> {
  const findings = new Findings()
  const certificate = await readCertificates(api.certificateFile, findings)
  const key = await readKey(api.keyFile, findings)
  const clientCa = await readCertificates(api.clientCaFile, findings)
  const tokens = await readTokens(api, findings)
  const [first] = certificate?.certificates ?? []
  if (first !== undefined && api.certificateFile !== null) {
    checkCertificate(first, { file: api.certificateFile, nowMs }, findings)
    if (key !== null && !first.checkPrivateKey(key.key)) {
      const why = `does not belong to the certificate in ${api.certificateFile}`
      findings.error(at(api.keyFile), why, 'put certificate and key of the same request in place')
    }
  }
  const material: ApiMaterial = {
    certificate: certificate?.text ?? null,
    key: key?.text ?? null,
    clientCa: clientCa?.text ?? null,
    tokens,
    notAfterMs: first === undefined ? null : Date.parse(first.validTo),
  }
  return { material: findings.failed ? null : material, mistakes: findings.all }
}

/** What a check of the configuration tells of them; nothing where there is no API. */
export async function apiMistakes({ api }: PairConfig): Promise<readonly Mistake[]> {
  return api === null ? [] : (await readApiFiles(api, Date.now())).mistakes
}

function checkCertificate(
  certificate: X509Certificate,
  { file, nowMs }: { file: string; nowMs: number },
  findings: Findings,
): void {
  const leftMs = Date.parse(certificate.validTo) - nowMs
  const mend = 'put a new one in place; it is taken up within seconds'
  if (leftMs <= 0) findings.warning(at(file), `ran out on ${certificate.validTo}`, mend)
  else if (leftMs < EXPIRY_WARNING_MS) {
    findings.warning(at(file), `runs out on ${certificate.validTo}`, mend)
  }
}

async function readCertificates(
  file: string | null,
  findings: Findings,
): Promise<{ text: string; certificates: X509Certificate[] } | null> {
  if (file === null) return null
  const content = await readWholeFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!content.ok) return tell(content, file, findings)
  const text = content.bytes.toString('latin1')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    const certificates = blocks.map((block) => new X509Certificate(block))
    if (certificates.length > 0) return { text, certificates }
  } catch {
    // Said below: what a library says of it helps nobody.
  }
  findings.error(at(file), 'holds no certificate that can be read', 'write it as PEM')
  return null
}

async function readKey(
  file: string | null,
  findings: Findings,
): Promise<{ text: string; key: KeyObject } | null> {
  if (file === null) return null
  const content = await readPrivateFile(file, { maxBytes: FILE_MAX_BYTES })
  if (!content.ok) return tell(content, file, findings)
  const text = content.bytes.toString('latin1')
  try {
    return { text, key: createPrivateKey(text) }
  } catch {
    const mend = 'write the key of the certificate as PEM, without a passphrase'
    findings.error(at(file), 'holds no private key that can be read', mend)
    return null
  }
}

async function readTokens(api: ApiConfig, findings: Findings): Promise<readonly ApiToken[]> {
  const { tokenFile: file, clientCaFile, open } = api
  const content: FileContent | FileFailure = await readPrivateFile(file, {
    maxBytes: FILE_MAX_BYTES,
  })
  if (content.ok) {
    const parsed = parseTokens(content.bytes.toString('latin1'))
    if (parsed.ok) return parsed.tokens
    const line = parsed.line === 0 ? null : parsed.line
    findings.error({ ...at(file), line }, parsed.why, parsed.mend)
    return []
  }
  const others = clientCaFile !== null || open.length > 0
  if (content.code === 'HA_FILE_MISSING' && others) return []
  tell(content, file, findings, 'make it with "tandem token new"')
  return []
}

function tell(failure: FileFailure, file: string, findings: Findings, whenMissing?: string): null {
  const mends: Partial<Record<FileFailure['code'], string>> = {
    HA_FILE_MISSING: whenMissing ?? 'put it in place, or correct its name below tandem.api',
    HA_FILE_NOT_PRIVATE: `chown root ${file} && chmod 600 ${file}`,
  }
  const mend = mends[failure.code] ?? 'make it a file that root can read'
  findings.error(at(file), failure.message, mend)
  return null
}

function at(file: string | null): Place {
  return { file: file ?? '', line: null, key: '' }
}
