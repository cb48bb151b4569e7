/** Certificates for tests, signed by themselves, made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificate {
  key: string
  cert: string
}

/** @param names  as in a subjectAltName: `IP:127.0.0.1,DNS:sip.test` */
export function makeCertificate(names: string, days = 2): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'))
  try {
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const about = ['-subj', '/CN=test', '-days', String(days), '-addext', `subjectAltName=${names}`]
    execFileSync('openssl', ['req', '-x509', ...kind, ...about, '-keyout', key, '-out', cert], {
      stdio: 'pipe',
      timeout: 10_000,
    })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
