/**
 * How does the table of the fallback gate get into the kernel, and is it still there?
 *
 * `nft` loads it in one transaction; only our own table is ever named. The rules bear the key, so
 * they go through stdin. What they say: nftables-ruleset.ts.
 */
import { run } from '../system/exec.ts'
import { readLinks } from './interfaces.ts'
import { type RulesetWish, TABLE, writeRuleset } from './nftables-ruleset.ts'
import type { Reading } from './traffic-control.ts'

const TIMEOUT_MS = 5000

/** Loads the table for those interfaces that exist. Returns why not, null when done. */
export async function loadTable(wish: RulesetWish): Promise<string | null> {
  const links = await readLinks()
  if (!links.ok) return links.reason
  const devices = wish.devices.filter((device) => device !== 'lo' && links.value.names.has(device))
  const result = await run({
    label: 'load the nftables gate',
    command: 'nft',
    args: ['-f', '-'],
    input: writeRuleset({ ...wish, devices }),
    timeoutMs: TIMEOUT_MS,
  })
  return result.ok ? null : result.message
}

/** Removes our table; that there was none, or no nftables at all, is fine. */
export async function removeTable(): Promise<void> {
  await run({
    label: 'remove the nftables gate',
    command: 'nft',
    args: ['delete', 'table', 'netdev', TABLE],
    timeoutMs: TIMEOUT_MS,
  })
}

/** Whether the table is there with both chains on every interface that exists. */
export async function checkTable(devices: readonly string[]): Promise<'in-place' | string> {
  const [links, listed] = await Promise.all([readLinks(), listChains()])
  if (!links.ok) return links.reason
  if (!listed.ok) return 'the table is gone'
  for (const device of devices) {
    if (device === 'lo' || !links.value.names.has(device)) continue
    const hooked = listed.value.filter((line) => new RegExp(`[ "]${device}[ ",]`).test(line))
    if (hooked.length < 2) return `the table does not guard ${device}`
  }
  return 'in-place'
}

/** The lines that say where our chains hang. */
async function listChains(): Promise<Reading<string[]>> {
  const result = await run({
    label: 'look for the nftables gate',
    command: 'nft',
    args: ['list', 'table', 'netdev', TABLE],
    timeoutMs: TIMEOUT_MS,
  })
  if (!result.ok) return { ok: false, reason: result.message }
  const lines = result.stdout.split('\n').filter((line) => line.includes('type filter hook'))
  return { ok: true, value: lines }
}
