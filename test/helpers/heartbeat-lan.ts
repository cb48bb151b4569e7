/**
 * A small LAN in network namespaces: a bridge, two nodes with a crosslink, three ping nodes.
 *
 * Strict reverse-path filtering everywhere. IPv4 10.81.0.0/24 and IPv6 fd81::/64 on the LAN (node a 1,
 * node b 2, ping nodes 11 to 13), 10.82.0.0/24 on the crosslink.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

export const PREFIX = `hbw${process.pid}`
const PLACES = ['sw', 'a', 'b', 'p1', 'p2', 'p3'] as const
export type Place = (typeof PLACES)[number]
const HOSTS: readonly [Place, number][] = [
  ['a', 1],
  ['b', 2],
  ['p1', 11],
  ['p2', 12],
  ['p3', 13],
]

/** What these tests need, or why they cannot run. */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  try {
    execFileSync('ip', ['netns', 'list'], { timeout: 5000 })
    execFileSync('nft', ['--version'], { timeout: 5000 })
    execFileSync('sysctl', ['--version'], { timeout: 5000 })
    return null
  } catch {
    return 'needs ip, nft and sysctl'
  }
}

/** Emits the program, as the fixtures import it. Type errors elsewhere are not this test's business. */
export function build(): void {
  try {
    execFileSync('npx', ['tsc', '-p', '.'], { timeout: 120_000, stdio: 'ignore' })
  } catch {
    // tsc emits in spite of type errors and says so by its exit code.
  }
}

export function ip(args: string): void {
  execFileSync('ip', args.split(' '), { timeout: 10_000, stdio: 'pipe' })
}

/** Runs a program in a place. /sys stays the host's, unlike with `ip netns exec`. */
export function inside(place: Place, command: string, input = ''): string {
  return execFileSync('nsenter', [`--net=/run/netns/${PREFIX}${place}`, 'sh', '-c', command], {
    timeout: 20_000,
    input,
    encoding: 'utf8',
  })
}

export function buildLan(): void {
  tearLan()
  for (const place of PLACES) {
    ip(`netns add ${PREFIX}${place}`)
    inside(
      place,
      'ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0',
    )
  }
  inside('sw', 'ip link add br0 type bridge; ip link set br0 up')
  for (const [place, number] of HOSTS) {
    ip(`link add lan netns ${PREFIX}${place} type veth peer name port-${place} netns ${PREFIX}sw`)
    inside('sw', `ip link set port-${place} master br0 up`)
    inside(
      place,
      `ip addr add 10.81.0.${number}/24 dev lan; ip addr add fd81::${number}/64 dev lan nodad; ip link set lan up`,
    )
  }
  ip(`link add cross netns ${PREFIX}a type veth peer name cross netns ${PREFIX}b`)
  inside('a', 'ip addr add 10.82.0.1/24 dev cross; ip link set cross up')
  inside('b', 'ip addr add 10.82.0.2/24 dev cross; ip link set cross up')
}

export function tearLan(): void {
  for (const place of PLACES) {
    try {
      ip(`netns del ${PREFIX}${place}`)
    } catch {
      // Not there.
    }
  }
}

/** Cuts the nodes from each other on the LAN at layer 2; both still reach the ping nodes. */
export function isolate(on: boolean): void {
  for (const port of ['a', 'b'])
    inside('sw', `ip link set port-${port} type bridge_slave isolated ${on ? 'on' : 'off'}`)
}

export interface Fixture {
  /** Sends a command, waits for its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: what a fixture tells has no type.
  ask(command: string, more?: object): Promise<any>
  readonly complaints: readonly string[]
  stop(): Promise<void>
}

/** Starts `test/fixtures/links/node.mjs` in a place and waits until it is ready. */
export async function startNode(place: Place, setup: object): Promise<Fixture> {
  const child: ChildProcessWithoutNullStreams = spawn(
    'nsenter',
    [
      `--net=/run/netns/${PREFIX}${place}`,
      process.execPath,
      'test/fixtures/links/node.mjs',
      JSON.stringify(setup),
    ],
    { env: { ...process.env, TEST_SECRET: 'a5c3'.repeat(16) } },
  )
  const errors: string[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const complaints: string[] = []
  const answers: ((value: unknown) => void)[] = []
  const lines: Interface = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve, reject) => {
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(`node ended with ${code}: ${errors.join('')}`))
    })
    lines.on('line', (line) => {
      const told = JSON.parse(line)
      if ('complaint' in told) complaints.push(told.complaint)
      else if ('answer' in told) answers.shift()?.(told.answer)
      else resolve()
    })
  })
  await ready
  return {
    complaints,
    ask(command, more = {}) {
      child.stdin.write(`${JSON.stringify({ command, ...more })}\n`)
      return new Promise((resolve) => answers.push(resolve))
    },
    stop() {
      if (child.exitCode !== null) return Promise.resolve()
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.stdin.end()
      return ended
    },
  }
}

export const PING_NODES_4 = [11, 12, 13].map((n) => ({
  address: `10.81.0.${n}`,
  family: 4 as const,
}))
export const PING_NODES_6 = [11, 12, 13].map((n) => ({ address: `fd81::${n}`, family: 6 as const }))

/** Paths as node a (1) or b (2) sees them. */
export function pathsOf(us: 1 | 2): object[] {
  const them = us === 1 ? 2 : 1
  return [
    {
      name: 'crosslink',
      kind: 'crosslink',
      interface: 'cross',
      family: 4,
      ourAddress: `10.82.0.${us}`,
      peerAddress: `10.82.0.${them}`,
    },
    {
      name: 'lan',
      kind: 'lan',
      interface: 'lan',
      family: 4,
      ourAddress: `10.81.0.${us}`,
      peerAddress: `10.81.0.${them}`,
    },
    {
      name: 'lan6',
      kind: 'extra',
      interface: 'lan',
      family: 6,
      ourAddress: `fd81::${us}`,
      peerAddress: `fd81::${them}`,
    },
  ]
}

export function setupOf(us: 1 | 2, intervalMs = 20): object {
  return {
    node: us === 1 ? 'sp1' : 'sp2',
    port: 6940,
    intervalMs,
    paths: pathsOf(us),
    pingNodes: [...PING_NODES_4, ...PING_NODES_6],
  }
}

/** Looks every 20 ms until it is so. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > limitMs) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
