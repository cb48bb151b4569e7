/**
 * What must stay in place for the gate to hold, and how is it put back?
 *
 * The kernel's part of a gate can be taken away by anybody with root, and then everything passes.
 * A guard is one such part: it can be looked at and mended. The description of a gate in force is
 * plain data, so that it can be handed from the thread that loaded it to the one that watches.
 */
import { checkAttachment, type InForce, pinOf } from './ebpf-loader.ts'
import { readLinks } from './interfaces.ts'
import { checkTable, loadTable } from './nftables-loader.ts'
import { type RulesetWish, TABLE } from './nftables-ruleset.ts'
import { attachTogether } from './traffic-control.ts'

/** A gate as it was put in force. Holds the key of the nftables gate: not for logs. */
export type GateInForce =
  | { kind: 'ebpf'; inForce: InForce }
  | { kind: 'nftables'; wish: RulesetWish }
  | { kind: 'lifetime' }

/** Found missing, with what is wrong in words. */
export interface Gap {
  /** As `eth0 ingress` or `nftables table`. */
  place: string
  what: string
}

/** What a line of a monitor means. */
export interface News {
  /** Look at this device; null for everything. */
  device: string | null
  /** The place that has just been taken away, when the line says so. */
  removed: string | null
}

export interface Guard {
  /** Programs that print a line when something changes. */
  monitors: readonly { command: string; args: readonly string[] }[]
  /** Null when a line does not concern the gate. */
  understand(line: string): News | null
  /** Whether looking at a device looks at this place too. */
  covers(device: string | null, place: string): boolean
  /** Looks at the places of one device, or at all. */
  gaps(device: string | null): Promise<Gap[]>
  /** Puts those places back; says nothing, `gaps` tells whether it worked. */
  mend(device: string | null): Promise<void>
}

/** The guard of a gate in force. */
export function guardOf(gate: GateInForce): Guard {
  switch (gate.kind) {
    case 'ebpf':
      return ebpfGuard(gate.inForce)
    case 'nftables':
      return nftablesGuard(gate.wish)
    case 'lifetime':
      return {
        monitors: [],
        understand: () => null,
        covers: () => true,
        gaps: async () => [],
        mend: async () => undefined,
      }
  }
}

const LINK_MONITOR = { command: 'ip', args: ['-o', 'monitor', 'link'] }

function ebpfGuard({ attachments, loaded }: InForce): Guard {
  const of = (device: string | null) =>
    attachments.filter((attachment) => device === null || attachment.device === device)
  return {
    monitors: [{ command: 'tc', args: ['monitor'] }, LINK_MONITOR],
    understand(line) {
      const device = deviceOf(line)
      const hooks = of(device).map(({ hook }) => hook)
      if (device === null || hooks[0] === undefined) return null
      // With the qdisc all its filters go; one of them stands for all, the next look finds more.
      if (line.startsWith('deleted qdisc clsact ')) {
        return { device, removed: `${device} ${hooks[0]}` }
      }
      const filter = /^deleted filter dev \S+ (\w+) .*\bpref 1 /.exec(line)
      if (filter !== null) return { device, removed: `${device} ${filter[1]}` }
      // Other news of tc is our own doing or does not matter; of `ip`, the link may be a new one.
      return / dev /.test(line) ? null : { device, removed: null }
    },
    covers: (device, place) => device === null || place.startsWith(`${device} `),
    async gaps(device) {
      const links = await readLinks()
      if (!links.ok) return [{ place: 'interfaces', what: links.reason }]
      const gaps: Gap[] = []
      for (const attachment of of(device)) {
        // An interface that does not exist lets nothing pass.
        if (!links.value.names.has(attachment.device)) continue
        const what = await checkAttachment(attachment, loaded)
        if (what !== 'in-place') {
          gaps.push({ place: `${attachment.device} ${attachment.hook}`, what })
        }
      }
      return gaps
    },
    async mend(device) {
      await attachTogether(of(device).map((place) => ({ ...place, pin: pinOf(place, loaded) })))
    },
  }
}

/** `3: eth0@if4: …` or `Deleted 3: eth0: …` of ip, `… dev eth0 …` of tc. */
function deviceOf(line: string): string | null {
  const told = /^(?:Deleted )?\d+: ([^\s:@]+)/.exec(line) ?? / dev (\S+)/.exec(line)
  return told?.[1] ?? null
}

function nftablesGuard(wish: RulesetWish): Guard {
  const place = 'nftables table'
  return {
    monitors: [{ command: 'nft', args: ['monitor', 'destroy', 'tables'] }, LINK_MONITOR],
    understand(line) {
      const device = deviceOf(line)
      const ours = line.includes(`table netdev ${TABLE}`)
      return ours || wish.devices.some((name) => name === device)
        ? { device: null, removed: null }
        : null
    },
    covers: () => true,
    async gaps() {
      const what = await checkTable(wish.devices)
      return what === 'in-place' ? [] : [{ place, what }]
    },
    async mend() {
      // Loading empties the sets: an open gate is shut until its next renewal, at most H.
      await loadTable(wish)
    },
  }
}
