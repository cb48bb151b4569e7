/**
 * Whose certificates are trusted where nothing else is said? Those of this host.
 */
import { readWholeFile } from '../system/file.ts'
import type { Trust } from './flow.ts'

/** What the administrators of Debian hosts trust (ca-certificates). */
const SYSTEM_CA = '/etc/ssl/certs/ca-certificates.crt'
const CA_MAX_BYTES = 2 * 1024 * 1024

/** The certificates in a file, or why they cannot be used. */
export async function trustIn(
  path: string,
): Promise<{ ok: true; trust: Trust } | { ok: false; why: string }> {
  const read = await readWholeFile(path, { maxBytes: CA_MAX_BYTES })
  if (!read.ok) return { ok: false, why: read.message }
  const ca = read.bytes.toString('latin1')
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { ok: true, trust: { check: true, ca } }
  return { ok: false, why: `${path} holds no certificate in PEM` }
}

/** Those of this host; where it has none, those that this program brings. */
export async function systemTrust(): Promise<Trust> {
  const read = await trustIn(SYSTEM_CA)
  return read.ok ? read.trust : { check: true, ca: null }
}
