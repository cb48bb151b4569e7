/**
 * Goal: what an operator writes of a load-balancer is read as meant, and each mistake is told with its mend.
 * Method: the section as text.
 */
import { expect, test } from 'vitest'
import { Findings } from '../../src/config/finding.ts'
import { readLoadBalancers } from '../../src/config/load-balancers-section.ts'
import { child } from '../../src/config/tree.ts'
import { readYaml } from '../../src/config/yaml.ts'

function read(text: string) {
  const findings = new Findings()
  const tree = readYaml('config.yml', Buffer.from(text), findings)
  const balancers = readLoadBalancers(tree ?? undefined, findings)
  return {
    balancers,
    mistakes: findings.all.map(({ key, why, mend }) => `${key}: ${why}; ${mend}`),
  }
}

test('both kinds are read, with set 1 where none is said', () => {
  expect(
    read(`
edge1: {kamailio: '192.0.2.10:5064', set: 7, destination: 'sip:192.0.2.50:5060;transport=tcp'}
edge-2: {opensips: 'http://[2001:db8::1]:8888/mi', destination: 'sip:192.0.2.50'}
`),
  ).toEqual({
    balancers: [
      {
        ...{ name: 'edge1', kind: 'kamailio', address: '192.0.2.10', port: 5064 },
        ...{ set: 7, destination: 'sip:192.0.2.50:5060;transport=tcp' },
      },
      {
        ...{ name: 'edge-2', kind: 'opensips', address: '2001:db8::1', port: 8888, path: '/mi' },
        ...{ set: 1, destination: 'sip:192.0.2.50' },
      },
    ],
    mistakes: [],
  })
})

test('a list of them is told', () => {
  const findings = new Findings()
  const tree = readYaml('config.yml', Buffer.from('load_balancers: [edge1]'), findings)
  expect(readLoadBalancers(child(tree ?? undefined, 'load_balancers'), findings)).toEqual([])
  expect(findings.all[0]).toMatchObject({
    key: 'load_balancers',
    why: 'is not a section',
    mend: 'write one section per load-balancer, as "edge1: {kamailio: 192.0.2.10:5064, destination: …}"',
  })
})

test('none is no mistake', () => {
  expect(read('')).toEqual({ balancers: [], mistakes: [] })
})

const DESTINATION =
  'write it letter by letter as in the list of the load-balancer, as sip:192.0.2.50:5060'
const NUMERIC = 'write a numeric one (IPv6 in brackets), names are not looked up'

test.each<[string, string]>([
  [
    'Edge: {}',
    'Edge: has a name that cannot be used; name it with small letters, digits and "-", as edge1',
  ],
  ['edge1: yes', 'edge1: is not a section; write the settings of edge1 below it'],
  [
    "edge1: {destination: 'sip:a'}",
    'edge1: does not say where it is; add kamailio: ADDRESS:PORT or opensips: http://ADDRESS:PORT/mi',
  ],
  [
    "edge1: {kamailio: '192.0.2.1:1', opensips: 'http://192.0.2.1:1/mi', destination: 'sip:a'}",
    'edge1.opensips: is one too many beside kamailio; write one of them',
  ],
  [
    "edge1: {kamailio: 'edge:5064', destination: 'sip:a'}",
    `edge1.kamailio: has no usable address; ${NUMERIC}, as 192.0.2.10:5064`,
  ],
  [
    "edge1: {opensips: '192.0.2.1:8888', destination: 'sip:a'}",
    'edge1.opensips: is not the place of its management interface; write it as http://192.0.2.11:8888/mi',
  ],
  [
    "edge1: {opensips: 'http://edge:8888/mi', destination: 'sip:a'}",
    `edge1.opensips: has no usable address; ${NUMERIC}, as http://192.0.2.11:8888/mi`,
  ],
  [
    "edge1: {kamailio: '192.0.2.1:1'}",
    `edge1: does not say which destination this pair is; add it: ${DESTINATION}`,
  ],
  [
    "edge1: {kamailio: '192.0.2.1:1', destination: '192.0.2.50'}",
    `edge1.destination: is not the URI of a destination; ${DESTINATION}`,
  ],
  [
    "edge1: {kamailio: '192.0.2.1:1', set: one, destination: 'sip:a'}",
    'edge1.set: is not a whole number; write a whole number from 0 to 2147483647, digits only',
  ],
  [
    "edge1: {kamailio: '192.0.2.1:1', destinatoin: 'sip:a', destination: 'sip:a'}",
    'edge1.destinatoin: is not a known key; did you mean destination?',
  ],
])('%s', (text, mistake) => {
  expect(read(text).mistakes).toEqual([mistake])
})
