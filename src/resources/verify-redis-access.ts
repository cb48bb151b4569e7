/**
 * Is the account that compares two Redis servers allowed what it needs?
 *
 * Carries each command out on a key that is not there, on both servers, for an account may not ask what it
 * may. `redis-setup.ts` prints the line for the access list.
 */
import { VERIFY_COMMANDS } from './redis-access.ts'
import { RedisLine, type RedisPlace } from './redis-line.ts'
import type { StoreFinding } from './replicated-store.ts'
import { Limit, StoreFailure } from './store-result.ts'
import { inspectBothServers, type Side } from './verify-access.ts'

const MEND =
  'write the line of the set-up for it into the access list of both servers, and run ACL LOAD'

/** Tries what the comparison will do, on both servers. */
export function inspectRedisVerify(
  servers: Readonly<Record<Side, RedisPlace>>,
  account: { username: string; password: string },
  limitMs: number,
): Promise<StoreFinding[]> {
  const limit = new Limit(limitMs)
  return inspectBothServers(MEND, async (side, where) => {
    const line = new RedisLine({ label: where, place: servers[side], account })
    const missing: string[] = []
    try {
      for (const [rule, example] of VERIFY_COMMANDS) {
        if (example.length > 0 && !(await mayAsk(line, example, limit))) missing.push(`+${rule}`)
      }
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause
      return [{ wanted: 'logs in', why: cause.message }]
    } finally {
      line.close()
    }
    return missing.length === 0 ? [] : [{ wanted: missing.join(' '), why: 'the account may not' }]
  })
}

async function mayAsk(line: RedisLine, words: readonly string[], limit: Limit): Promise<boolean> {
  try {
    await line.call(words, limit)
    return true
  } catch (cause) {
    if (!(cause instanceof StoreFailure)) throw cause
    if (/NOPERM/.test(cause.message)) return false
    throw cause
  }
}
