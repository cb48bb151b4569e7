/**
 * Which version is this? That of the package these files belong to.
 */
import { readFileSync } from 'node:fs'

/** As in package.json; `unknown` when that says nothing usable. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version?: unknown }
  return typeof version === 'string' ? version : 'unknown'
}
