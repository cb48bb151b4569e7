/**
 * Each way to get the two files wrong, and the exact words an operator reads.
 *
 * The words stand in a text file of their own, where they can be read as a text.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CONFIG, edit, editOn, judgeTexts, linesOf, NETWORK } from '../helpers/config-case.ts'

const tandem = (text: string): string => `${edit(CONFIG, '  timing: fast\n', '')}${text}`
const on = (from: string, to: string, node: 'sp1' | 'sp2' = 'sp1'): string =>
  editOn(node, NETWORK, from, to)

/** All that a witness needs. */
const WITNESS =
  "{etcd: ['https://192.0.2.61:2379'], record: pair1, ca_file: /etc/ca.crt, certificate_file: /etc/e.crt, key_file: /etc/e.key}"

type Row = [what: string, texts: { config?: string; network?: string; node?: string }]

const ROWS: Row[] = [
  // Our own section.
  ['an unknown key with a near miss', { config: tandem('  mod: ping\n') }],
  ['an unknown key like none', { config: tandem('  colour: red\n') }],
  ['one key in two spellings', { config: tandem('  main_stall_ms: 3000\n  mainStallMs: 3000\n') }],
  [
    'a section that is a word',
    { config: 'ha: {pingnodes: [192.0.2.1, 192.0.2.2, 192.0.2.3]}\ntandem: fast\n' },
  ],
  ['a section beside its name', { config: `${CONFIG}tandm: {mode: ping}\n` }],
  ['an unknown profile', { config: edit(CONFIG, 'fast', 'fats') }],
  ['mode witness without a witness', { config: tandem('  mode: witness\n') }],
  ['a witness in another mode', { config: tandem(`  witness: ${WITNESS}\n`) }],
  ['a witness that is a word', { config: tandem('  mode: witness\n  witness: etcd\n') }],
  ['a witness without anything', { config: tandem('  mode: witness\n  witness: {port: 1}\n') }],
  ...[
    ['a name', "'https://etcd1:2379'"],
    ['no TLS', "'http://192.0.2.61:2379'"],
    ['no port', "'https://192.0.2.61'"],
    ['everywhere', "'https://0.0.0.0:2379'"],
    ['itself again', "'https://192.0.2.61:2379', 'https://192.0.2.61:2379'"],
  ].map(
    ([what, etcd]): Row => [
      `an endpoint of the witness that is ${what}`,
      {
        config: tandem(
          `  mode: witness\n  witness: ${WITNESS.replace(/'https[^']*'/, etcd ?? '')}\n`,
        ),
      },
    ],
  ),
  [
    'a record with a blank, and a relative file',
    {
      config: tandem(
        `  mode: witness\n  witness: ${edit(edit(WITNESS, 'pair1', 'pair 1'), '/etc/e.key', 'e.key')}\n`,
      ),
    },
  ],
  ['mode fence without a fence', { config: tandem('  mode: fence\n') }],
  ['a fence without anything', { config: tandem('  mode: fence\n  fence: {agnet: x}\n') }],
  [
    'a fence agent that is none, with a password and an action of its own',
    {
      config: tandem(
        '  mode: fence\n  fence: {agent: ipmi, sp1: {ip: 192.0.2.71, password: x}, sp2: {Ip: 1, action: reboot}}\n',
      ),
    },
  ],
  ['a port out of range', { config: tandem('  port: 65536\n') }],
  ['a number with a unit', { config: tandem('  main_stall_ms: 3s\n') }],
  ['an octal number', { config: tandem('  port: 0694\n') }],
  ['two ports', { config: `${tandem('  port: 700\n')}heartbeat: {port: 694}\n` }],
  ['a relative key file', { config: tandem('  key_file: key\n') }],
  ['a gate that does not exist', { config: tandem('  gate: ebfp\n') }],
  ['an impossible group', { config: tandem('  control_group: "a b"\n') }],
  ['an unknown key of data', { config: tandem('  data: {recent: 5}\n') }],
  ['a list where a word is expected', { config: tandem('  mode: [ping]\n') }],
  // Timing.
  ['timing in two places that differ', { config: `${CONFIG}timing: default\n` }],
  ['a section in the short form', { config: `${tandem('')}timing: {lease_ms: 600}\n` }],
  ['a lease below twice the margin', { config: tandem('  timing: {lease_ms: 300}\n') }],
  [
    'several relations broken',
    { config: tandem('  timing: {heartbeat_ms: 150, damping_ms: 100}\n') },
  ],
  ['an unknown key of timing', { config: tandem('  timing: {leese_ms: 300}\n') }],
  ['numbers of one’s own', { config: tandem('  timing: {profile: fast, lease_ms: 120}\n') }],
  // Ping nodes.
  [
    'no ping node at all',
    {
      config: 'tandem: {}\n',
      network: edit(
        edit(NETWORK, '      gateway: 192.0.2.1\n', ''),
        '      dns_nameservers: [198.51.100.30]\n',
        '',
      ),
    },
  ],
  ['two ping nodes', { config: edit(CONFIG, ', 192.0.2.3', '') }],
  ['four ping nodes', { config: edit(CONFIG, '192.0.2.3', '192.0.2.3, 192.0.2.4') }],
  ['a public resolver', { config: edit(CONFIG, '192.0.2.3', '2001:4860:4860:0:0:0:0:8888') }],
  ['a host name as ping node', { config: edit(CONFIG, '192.0.2.3', 'gw.example.org, 192.0.2.3') }],
  ['our own address as ping node', { config: edit(CONFIG, '192.0.2.3', '192.0.2.3, 192.0.2.11') }],
  ['the peer as ping node', { config: edit(CONFIG, '192.0.2.3', '192.0.2.3, 192.168.255.252') }],
  ['a floating IP as ping node', { config: edit(CONFIG, '192.0.2.3', '192.0.2.3, 192.0.2.10') }],
  ['loopback as ping node', { config: edit(CONFIG, '192.0.2.3', '192.0.2.3, 127.0.0.1') }],
  [
    'a resolver on the node itself',
    {
      config: edit(CONFIG, 'pingnodes:', 'pingnodes_add_dns: yes\n  pingnodes:'),
      network: edit(NETWORK, '198.51.100.30', '127.0.0.1'),
    },
  ],
  ['two lists that differ', { config: `${CONFIG}heartbeat: {pingnodes: [192.0.2.9]}\n` }],
  [
    'neither yes nor no',
    { config: edit(CONFIG, 'pingnodes:', 'pingnodes_add_gw: maybe\n  pingnodes:') },
  ],
  [
    'a slip in a key of the platform',
    { config: edit(CONFIG, 'pingnodes:', 'ping_node: [192.0.2.9]\n  pingnodes:') },
  ],
  [
    'gateways that differ',
    {
      config: edit(CONFIG, 'pingnodes:', 'pingnodes_add_gw: yes\n  pingnodes:'),
      network: on('gateway: 192.0.2.1', 'gateway: 192.0.2.4', 'sp2'),
    },
  ],
  // The pair.
  ['no hosts', { network: 'host: {}\n' }],
  ['a node that is not there', { node: 'sp3' }],
  ['no peer', { network: on('    peer: sp2\n', '') }],
  ['a peer that is not there', { network: on('peer: sp2', 'peer: sp3') }],
  ['a peer that is the host itself', { network: on('peer: sp2', 'peer: sp1') }],
  ['a peer that does not point back', { network: on('peer: sp1', 'peer: sp9') }],
  ['two hosts with one node name', { network: on("    dbnode: '2'", '    nodename: sp1') }],
  ['the same database node', { network: edit(NETWORK, "dbnode: '2'", "dbnode: '1'") }],
  ['our section in the wrong file', { network: `tandem: {timing: fast}\n${NETWORK}` }],
  // Interfaces and addresses.
  [
    'a listed interface without section',
    { network: on('[lo, eth0, eth1]', '[lo, eth0, eth1, eth2]') },
  ],
  ['a section that is not listed', { network: on('[lo, eth0, eth1]', '[lo, eth0]') }],
  ['no interface', { network: on('[lo, eth0, eth1]', '[]') }],
  ['a slip in a key of an interface', { network: edit(NETWORK, 'shared_v6ip: ~', 'share_ip: ~') }],
  ['an invalid address', { network: on('ip: 192.0.2.11', 'ip: 192.0.2.256') }],
  ['a shared address with prefix', { network: edit(NETWORK, '[192.0.2.10]', '[192.0.2.10/24]') }],
  ['a netmask with holes', { network: on('netmask: 255.255.255.0', 'netmask: 255.0.255.0') }],
  ['no netmask', { network: edit(NETWORK, '      netmask: 255.255.255.0\n', '') }],
  ['netmasks that differ', { network: on('netmask: 255.255.255.0', 'netmask: 25', 'sp2') }],
  [
    'no own address',
    { network: edit(edit(NETWORK, '      ip: 192.0.2.11\n', ''), '      ip: 192.0.2.12\n', '') },
  ],
  [
    'a crosslink that is shared only',
    { network: on('netmask: 29,', 'netmask: 29, shared_ip_only: yes,') },
  ],
  [
    'a floating IP on lo',
    { network: edit(NETWORK, 'netmask: 255.0.0.0', 'netmask: 255.0.0.0, shared_ip: 192.0.2.99') },
  ],
  [
    'a floating IP that is multicast',
    { network: edit(NETWORK, '[192.0.2.10]', '[192.0.2.10, 224.0.0.5]') },
  ],
  ['a floating IP that is the network', { network: edit(NETWORK, '[192.0.2.10]', '[192.0.2.0]') }],
  ['a floating IP outside the network', { network: edit(NETWORK, '[192.0.2.10]', '[192.0.3.10]') }],
  ['a floating IP of one host only', { network: on('[192.0.2.10]', '[192.0.2.10, 192.0.2.9]') }],
  [
    'a floating IP twice on an interface',
    { network: on('[192.0.2.10]', '[192.0.2.10, 192.0.2.10]') },
  ],
  [
    'a floating IP on two interfaces',
    { network: edit(NETWORK, 'netmask: 29,', 'netmask: 29, shared_ip: 192.0.2.10,') },
  ],
  ['no floating IP', { network: edit(NETWORK, '[192.0.2.10]', '[]') }],
  ['a floating IP that a node has', { network: edit(NETWORK, '[192.0.2.10]', '[192.0.2.12]') }],
  ['one address on both hosts', { network: edit(NETWORK, 'ip: 192.0.2.12', 'ip: 192.0.2.11') }],
  [
    'an address of another host',
    {
      network: `${NETWORK}  db01a: {peer: db01b, interfaces: [eth0], eth0: {ip: 192.0.2.11, netmask: 24}}\n`,
    },
  ],
  [
    'a floating IP of another pair',
    {
      network: `${NETWORK}  db01a: {peer: sp1, interfaces: [eth0], eth0: {ip: 192.0.2.91, netmask: 24, shared_ip: [192.0.2.10]}}\n`,
    },
  ],
  [
    'two interfaces in one network',
    {
      network: edit(
        edit(NETWORK, '192.168.255.251, netmask: 29', '192.0.2.51, netmask: 24'),
        '192.168.255.252, netmask: 29',
        '192.0.2.52, netmask: 24',
      ),
    },
  ],
  ['one MAC address twice', { network: edit(NETWORK, '52:54:00:00:00:02', '52:54:00:00:00:01') }],
  ['two interfaces for the API', { network: on('type: [ha_int]', 'type: [ha_int, api_int]') }],
  ['a label that is too long', { network: edit(NETWORK, 'eth0', 'enp130s0f1np01') }],
  // Paths.
  ['a single path', { network: edit(NETWORK, 'type: [ha_int]', 'type: [web_int]') }],
  ['a crosslink with one end', { network: on('type: [ha_int]', 'type: [web_int]', 'sp2') }],
  [
    'no path',
    {
      network: edit(
        edit(edit(NETWORK, 'type: [ha_int]', 'type: [web_int]'), '      gateway: 192.0.2.1\n', ''),
        'shared_ip: [192.0.2.10]',
        'shared_ip: []',
      ),
    },
  ],
  [
    'a crosslink without common family',
    {
      network: edit(
        NETWORK,
        'ip: 192.168.255.252, netmask: 29',
        'v6ip: 2001:db8:9::2, v6netmask: 64',
      ),
    },
  ],
  ['an extra path that is no interface', { config: tandem('  paths: [eth11]\n') }],
  ['an extra path that is one already', { config: tandem('  paths: [eth0]\n') }],
]

/** `## what` and below it one line per mistake. */
const WORDS = new Map(
  readFileSync(join(import.meta.dirname, '../fixtures/config/mistakes.txt'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [what = '', ...lines] = section.trimEnd().split('\n')
      return [what, lines] as const
    }),
)

describe('the sentence for a mistake', () => {
  it('is missing for a pair without one', () => {
    expect(linesOf(judgeTexts({}).mistakes)).toEqual([])
  })

  it('is tried for every sentence that was written down', () => {
    expect(ROWS.map(([what]) => what)).toEqual([...WORDS.keys()])
  })

  it.each(ROWS)('stays what it is for %s', (what, texts) => {
    const judged = judgeTexts(texts)
    const errors = judged.mistakes.filter((mistake) => mistake.severity === 'error')
    expect(judged.ok).toBe(errors.length === 0)
    expect(linesOf(judged.mistakes)).toEqual(WORDS.get(what))
  })
})
