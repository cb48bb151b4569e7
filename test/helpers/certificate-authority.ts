/** An authority for tests that signs certificates of clients, made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'

export interface Authority {
  cert: string
  /** A certificate of a client with this common name. */
  sign(commonName: string): Certificate
}

export function makeAuthority(): Authority {
  const ca = made(({ openssl, key, cert }) => {
    openssl(
      'req',
      '-x509',
      ...EC,
      '-subj',
      '/CN=authority',
      '-days',
      '90',
      '-keyout',
      key,
      '-out',
      cert,
    )
  })
  return {
    cert: ca.cert,
    sign: (commonName) =>
      made(({ openssl, place, key, cert }) => {
        writeFileSync(place('ca.key'), ca.key)
        writeFileSync(place('ca.crt'), ca.cert)
        openssl('req', ...EC, '-subj', `/CN=${commonName}`, '-keyout', key, '-out', place('csr'))
        const by = ['-CA', place('ca.crt'), '-CAkey', place('ca.key'), '-CAcreateserial']
        openssl('x509', '-req', '-in', place('csr'), ...by, '-days', '90', '-out', cert)
      }),
  }
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

interface Bench {
  openssl(...args: string[]): void
  place(name: string): string
  key: string
  cert: string
}

function made(make: (bench: Bench) => void): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'authority-'))
  const place = (name: string): string => join(directory, name)
  try {
    make({
      openssl: (...args) => execFileSync('openssl', args, { stdio: 'pipe', timeout: 10_000 }),
      ...{ place, key: place('key'), cert: place('cert') },
    })
    return { key: readFileSync(place('key'), 'utf8'), cert: readFileSync(place('cert'), 'utf8') }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
