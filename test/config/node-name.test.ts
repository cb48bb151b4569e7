import { describe, expect, it } from 'vitest'
import { Findings } from '../../src/config/finding.ts'
import { identifyNode, type NameSources } from '../../src/config/node-name.ts'
import { child } from '../../src/config/tree.ts'
import { readYaml } from '../../src/config/yaml.ts'
import { linesOf } from '../helpers/config-case.ts'

const PRO = 'hosts: {sp1: {peer: sp2}, sp2: {peer: sp1}}'
const CARRIER =
  'hosts: {db01a: {peer: db01b}, db01b: {peer: db01a}, prx01a: {peer: prx01b}, prx01b: {peer: prx01a}}'
const NAMED = 'hosts: {red: {peer: blue, nodename: sp1}, blue: {peer: red, nodename: sp2}}'

interface Told {
  option?: string
  file?: string
  machine?: string
}

function identify(network: string, told: Told): unknown {
  const findings = new Findings()
  const tree = readYaml('network.yml', Buffer.from(network), findings)
  const hosts = child(tree ?? undefined, 'hosts')
  if (hosts?.kind !== 'map') throw new Error('no hosts')
  const sources: NameSources = {
    told: told.option === undefined ? null : { text: told.option, from: '--node' },
    nodeFile: told.file === undefined ? null : { text: told.file, from: '/etc/ngcp_nodename' },
    machine: told.machine === undefined ? [] : [{ text: told.machine, from: 'host name' }],
  }
  const identity = identifyNode(sources, hosts, findings)
  return identity ?? linesOf(findings.all)
}

describe('the name of a node', () => {
  it.each<[string, string, Told, unknown]>([
    ['the option', PRO, { option: 'sp2', file: 'sp1' }, { node: 'sp2', hostName: 'sp2' }],
    ['the file', PRO, { file: 'sp1\n' }, { node: 'sp1', hostName: 'sp1' }],
    ['the host name', PRO, { machine: 'sp2' }, { node: 'sp2', hostName: 'sp2' }],
    [
      'a full host name',
      CARRIER,
      { machine: 'prx01b.example.org' },
      { node: 'sp2', hostName: 'prx01b' },
    ],
    [
      'file and host name',
      CARRIER,
      { file: 'sp1', machine: 'prx01a' },
      { node: 'sp1', hostName: 'prx01a' },
    ],
    [
      'the option on its peer',
      CARRIER,
      { option: 'sp2', machine: 'db01a' },
      { node: 'sp2', hostName: 'db01b' },
    ],
    ['a carrier host as option', CARRIER, { option: 'db01b' }, { node: 'sp2', hostName: 'db01b' }],
    ['the key nodename', NAMED, { machine: 'blue' }, { node: 'sp2', hostName: 'blue' }],
    ['nodename and option', NAMED, { option: 'sp1' }, { node: 'sp1', hostName: 'red' }],
  ])('comes from %s', (_what, network, told, identity) => {
    expect(identify(network, told)).toEqual(identity)
  })

  it.each<[string, string, Told, string]>([
    [
      'an empty file',
      PRO,
      { file: ' \n', machine: 'sp1' },
      'error /etc/ngcp_nodename  is empty -> write the node name into it: sp1 or sp2',
    ],
    [
      'a single machine',
      PRO,
      { file: 'spce' },
      'error /etc/ngcp_nodename =spce names a single machine without a peer -> use a pair: sp1 and sp2',
    ],
    [
      'an unknown host',
      CARRIER,
      { option: 'prx01c' },
      'error --node =prx01c is not a key under hosts: in network.yml (db01a, db01b, prx01a, prx01b) -> did you mean prx01a?',
    ],
    [
      'no name at all',
      CARRIER,
      { machine: 'mail' },
      'error network.yml:1 hosts has no section for this machine (mail) -> name the host with --node, as it is called under hosts: in network.yml',
    ],
    [
      'several hosts that fit',
      CARRIER,
      { file: 'sp1' },
      'error /etc/ngcp_nodename =sp1 fits several hosts in network.yml (db01a, prx01a) -> name the host with --node, as it is called under hosts: in network.yml',
    ],
    [
      'a file against the host name',
      CARRIER,
      { file: 'sp1', machine: 'db01b' },
      'error /etc/ngcp_nodename =sp1 contradicts the host name db01b, which is not sp1 -> correct the one that is wrong',
    ],
    [
      'a host that is neither',
      'hosts: {red: {peer: blue}, blue: {peer: red}}',
      { machine: 'red' },
      'error network.yml:1 hosts.red does not tell whether this host is the first or the second of its pair -> add "nodename: sp1" or "nodename: sp2" to the host section',
    ],
  ])('is refused for %s', (_what, network, told, line) => {
    expect(identify(network, told)).toEqual([line])
  })
})
