/**
 * How is the crosslink cut so that it heals by itself, whatever becomes of this command?
 *
 * The interface stays up: taking it down loses IPv6 addresses and routes, which nobody puts back. Instead packets
 * to and from the peer's addresses on it are dropped while those are members of a set of nftables, and the kernel
 * itself takes a member out when its time is over. What is left then drops nothing.
 */
import { run } from '../system/exec.ts'

const TABLE = 'inet tandem_drill'
const LIMIT_MS = 5_000

export interface CutPeer {
  interface: string
  family: 4 | 6
  /** Numeric. */
  address: string
}

/** Begins it. @returns why not; null when it is cut */
export async function cutCrosslink(
  peers: readonly CutPeer[],
  lastsMs: number,
): Promise<string | null> {
  const result = await run({
    label: 'cut the crosslink',
    command: 'nft',
    args: ['-f', '-'],
    timeoutMs: LIMIT_MS,
    input: cutRules(peers, lastsMs),
  })
  return result.ok ? null : result.message
}

/** Takes the rules away, at once and also when there are none. @returns why not */
export async function healCrosslink(): Promise<string | null> {
  const result = await run({
    label: 'heal the crosslink',
    command: 'nft',
    args: ['-f', '-'],
    timeoutMs: LIMIT_MS,
    input: `table ${TABLE}\ndelete table ${TABLE}\n`,
  })
  return result.ok ? null : result.message
}

/** One transaction: what an earlier drill left goes, ours comes. */
export function cutRules(peers: readonly CutPeer[], lastsMs: number): string {
  const families = [...new Set(peers.map(({ family }) => family))]
  const sets = families.flatMap((family) => {
    const members = peers
      .filter((peer) => peer.family === family)
      .map(({ address }) => `${address} timeout ${Math.ceil(lastsMs)}ms`)
    return [
      `  set cut${family} {`,
      `    type ipv${family}_addr`,
      '    flags timeout',
      `    elements = { ${members.join(', ')} }`,
      '  }',
    ]
  })
  const rules = (way: 'input' | 'output'): string[] => [
    `  chain ${way} {`,
    `    type filter hook ${way} priority -300; policy accept;`,
    ...[...new Set(peers.map((peer) => `${peer.family} ${peer.interface}`))].map((key) => {
      const [family, name] = key.split(' ')
      const protocol = family === '4' ? 'ip' : 'ip6'
      const [match, end] = way === 'input' ? ['iifname', 'saddr'] : ['oifname', 'daddr']
      return `    ${match} "${name}" ${protocol} ${end} @cut${family} drop`
    }),
    '  }',
  ]
  return [
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...sets,
    ...rules('input'),
    ...rules('output'),
    '}',
    '',
  ].join('\n')
}
