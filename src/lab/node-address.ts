/**
 * Has a node's kernel still got a floating IP? Read from /proc, without starting anything.
 *
 * Seen through the lab's responder, the one process of the node that outlives a kill of the manager
 * and runs on while it is frozen. A look costs a fraction of a millisecond, so it can be taken often.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from './node.ts'
import type { Floating } from './plan.ts'
import { labNowMs } from './prober.ts'

const LOOK_EVERY_MS = 20

/**
 * Waits until none of the addresses is configured on the node any more.
 *
 * @returns the moment on the lab's clock when that was seen first; null when it is still there at the
 *          end, or nobody is left to look through
 */
export async function untilAddressesGone(
  node: LabNode,
  addresses: readonly Floating[],
  endMs: number,
): Promise<number | null> {
  const { eye } = node
  if (eye === null) return null
  try {
    while (labNowMs() < endMs) {
      const had = addresses.some((floating) => hasAddress(eye, floating))
      if (!had) return labNowMs()
      await sleep(LOOK_EVERY_MS)
    }
  } catch {
    // The responder has ended, and with it the way to look.
  }
  return null
}

function hasAddress(pid: number, { address, family }: Floating): boolean {
  if (family === 6) {
    return readFileSync(`/proc/${pid}/net/if_inet6`, 'utf8').includes(plainHex(address))
  }
  const local = `-- ${address}\n`
  return readFileSync(`/proc/${pid}/net/fib_trie`, 'utf8')
    .split(local)
    .slice(1)
    .some((rest) => /^\s*\/32 host LOCAL/.test(rest))
}

/** An IPv6 address as the kernel lists it: 32 digits, no colons. */
export function plainHex(address: string): string {
  const [head = '', tail] = address.split('::')
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':')
  const [first, last] = [groups(head), groups(tail)]
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  return [...first, ...zeros, ...last].map((group) => group.padStart(4, '0')).join('')
}
