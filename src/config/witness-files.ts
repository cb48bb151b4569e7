/**
 * What do the files of the witness say: who signed its certificate, and as what are we known there?
 *
 * Read by whoever asks the witness, and again when one of them changes.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Mistake } from '../errors.ts'
import { readPrivateFile, readWholeFile } from '../system/file.ts'
import type { PairConfig } from './config.ts'
import { Findings } from './finding.ts'
import type { WitnessConfig } from './quorum.ts'
import type { Place } from './tree.ts'

const FILE_MAX_BYTES = 256 * 1024
const DAY_MS = 86_400_000
/** Before a certificate runs out it is said for so long. */
const EXPIRY_WARNING_MS = 14 * DAY_MS

/** PEM, all of them. */
export interface WitnessTls {
  ca: string
  certificate: string
  key: string
}

export interface ReadWitnessFiles {
  /** Null when there is an error among the mistakes. */
  tls: WitnessTls | null
  mistakes: readonly Mistake[]
}

export async function readWitnessFiles(
  { caFile, certificateFile, keyFile }: WitnessConfig,
  nowMs: number,
): Promise<ReadWitnessFiles> {
  const findings = new Findings()
  const ca = await readText(caFile, false, findings)
  const certificate = await readText(certificateFile, false, findings)
  const key = await readText(keyFile, true, findings)
  for (const [file, text] of [
    [caFile, ca],
    [certificateFile, certificate],
  ] as const) {
    const read = text === null ? null : certificateOf(text)
    if (text !== null && read === null) {
      findings.error(at(file), 'holds no certificate that can be read', 'write it as PEM')
    }
    if (read === null) continue
    const leftMs = Date.parse(read.validTo) - nowMs
    if (leftMs > EXPIRY_WARNING_MS) continue
    const mend = 'put a new one in place; it is taken up within seconds'
    findings.warning(at(file), `${leftMs > 0 ? 'runs' : 'ran'} out on ${read.validTo}`, mend)
  }
  checkKey({ keyFile, key, certificateFile, certificate }, findings)
  const whole = ca !== null && certificate !== null && key !== null && !findings.failed
  return { tls: whole ? { ca, certificate, key } : null, mistakes: findings.all }
}

/** What a check of the configuration tells of them; nothing in other modes. */
export async function witnessMistakes({ witness }: PairConfig): Promise<readonly Mistake[]> {
  return witness === null ? [] : (await readWitnessFiles(witness, Date.now())).mistakes
}

async function readText(file: string, secret: boolean, findings: Findings): Promise<string | null> {
  const content = await (secret ? readPrivateFile : readWholeFile)(file, {
    maxBytes: FILE_MAX_BYTES,
  })
  if (content.ok) return content.bytes.toString('latin1')
  const mend =
    content.code === 'HA_FILE_MISSING'
      ? 'put it in place, or correct its name below tandem.witness'
      : content.code === 'HA_FILE_NOT_PRIVATE'
        ? `chown root ${file} && chmod 600 ${file}`
        : 'make it a file that root can read'
  findings.error(at(file), content.message, mend)
  return null
}

function checkKey(
  told: {
    keyFile: string
    key: string | null
    certificateFile: string
    certificate: string | null
  },
  findings: Findings,
): void {
  if (told.key === null) return
  try {
    const key = createPrivateKey(told.key)
    const certificate = told.certificate === null ? null : certificateOf(told.certificate)
    if (certificate === null || certificate.checkPrivateKey(key)) return
    const why = `does not belong to the certificate in ${told.certificateFile}`
    const mend = 'put certificate and key of the same request in place'
    findings.error(at(told.keyFile), why, mend)
  } catch {
    const mend = 'write the key of the certificate as PEM, without a passphrase'
    findings.error(at(told.keyFile), 'holds no private key that can be read', mend)
  }
}

function certificateOf(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text)
  } catch {
    // What a library says of it helps nobody.
    return null
  }
}

function at(file: string): Place {
  return { file, line: null, key: '' }
}
