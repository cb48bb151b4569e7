/** Goal: where the API is served and for whom is read as written, and each mistake is named with its mend. */
import { expect, it } from 'vitest'
import { CONFIG, edit, judgeTexts, linesOf, NETWORK } from '../helpers/config-case.ts'

const TLS = 'certificate_file: /c, key_file: /k'
const judged = (api: string, texts: { network?: string; node?: string } = {}) =>
  judgeTexts({ ...texts, config: `${CONFIG}  api: ${api}\n` })
const mistakesOf = (api: string): string[] => linesOf(judged(api).mistakes)
const listenOf = (api: string, texts: { network?: string; node?: string } = {}) =>
  judged(api, texts).config?.api?.listen

it('without a section the API stays on the unix sockets', () => {
  expect(judgeTexts({}).config?.api).toBe(null)
  expect(judged('~').config?.api).toBe(null)
})

it('an interface stands for the addresses of this node', () => {
  const network = edit(
    NETWORK,
    'ip: 192.168.255.251,',
    "ip: 192.168.255.251, v6ip: '2001:db8::1', v6netmask: 64,",
  )
  const api = `{listen: 'eth1:8443', ${TLS}}`
  expect(listenOf(api, { network })).toEqual([
    { address: '192.168.255.251', port: 8443, tls: true },
    { address: '2001:db8::1', port: 8443, tls: true },
  ])
  expect(listenOf(api, { network, node: 'sp2' })).toEqual([
    { address: '192.168.255.252', port: 8443, tls: true },
  ])
})

it('addresses of both hosts may be listed, each node takes its own', () => {
  const api = `{listen: ['192.0.2.11:1', '192.0.2.12:1', '[::]:2', '0.0.0.0:2'], plain_listen: '[::1]:3', ${TLS}}`
  const everywhere = [
    { address: '::', port: 2, tls: true },
    { address: '0.0.0.0', port: 2, tls: true },
    { address: '::1', port: 3, tls: false },
  ]
  expect(listenOf(api)).toEqual([{ address: '192.0.2.11', port: 1, tls: true }, ...everywhere])
  expect(listenOf(api, { node: 'sp2' })?.[0]?.address).toBe('192.0.2.12')
})

it('everything else has its place, and its default', () => {
  expect(judged("{plain_listen: '127.0.0.1:1'}").config?.api).toEqual({
    listen: [{ address: '127.0.0.1', port: 1, tls: false }],
    ...{ certificateFile: null, keyFile: null, tokenFile: '/etc/tandem/api.tokens' },
    ...{ clientCaFile: null, clients: [], open: [] },
  })
  const api = `{listen: 'lo:1', ${TLS}, token_file: /t, client_ca_file: /ca, clients: {mon.example.org: read, Carol: operate}, open: [role, metrics]}`
  expect(judged(api).config?.api).toMatchObject({
    ...{ certificateFile: '/c', keyFile: '/k', tokenFile: '/t', clientCaFile: '/ca' },
    clients: [
      { subject: 'mon.example.org', role: 'read' },
      { subject: 'Carol', role: 'operate' },
    ],
    open: ['role', 'metrics'],
  })
})

it.each([
  ['yes', 'tandem.api=yes is not a section -> write the settings below it, as "listen: eth0:8443"'],
  ['{open: role}', 'tandem.api says nowhere to listen -> add listen, as "listen: eth0:8443"'],
  ["{lisen: 'eth0:1'}", 'tandem.api.lisen=eth0:1 is not a known key -> did you mean listen?'],
  [
    "{listen: 'eth0:1', key_file: /k}",
    'tandem.api.listen=eth0:1 needs a certificate with its key -> add certificate_file',
  ],
  [
    "{listen: 'eth0:1', certificate_file: /c}",
    'tandem.api.listen=eth0:1 needs a certificate with its key -> add key_file',
  ],
  [
    `{listen: eth0, ${TLS}}`,
    'tandem.api.listen=eth0 is not a place to listen at -> write INTERFACE:PORT, as eth0:8443, or ADDRESS:PORT, IPv6 in brackets',
  ],
  [
    `{listen: 'eth0:65536', ${TLS}}`,
    'tandem.api.listen=eth0:65536 is not a place to listen at -> write INTERFACE:PORT, as eth0:8443, or ADDRESS:PORT, IPv6 in brackets',
  ],
  [
    `{listen: '::1:5', ${TLS}}`,
    'tandem.api.listen=::1:5 is not a place to listen at -> write INTERFACE:PORT, as eth0:8443, or ADDRESS:PORT, IPv6 in brackets',
  ],
  [
    `{listen: 'eht0:1', ${TLS}}`,
    'tandem.api.listen=eht0:1 is not an interface of sp1 in network.yml -> did you mean eth0?',
  ],
  [
    `{listen: '192.0.2.10:8443', ${TLS}}`,
    'tandem.api.listen=192.0.2.10:8443 is a floating IP, which this node has only while it serves -> name an interface instead, as eth0:8443',
  ],
  [
    `{listen: '192.0.2.99:1', ${TLS}}`,
    'tandem.api.listen=192.0.2.99:1 is an address of neither host -> name an interface instead, as eth0:1',
  ],
  [
    `{listen: '192.0.2.12:1', ${TLS}}`,
    'tandem.api.listen=192.0.2.12:1 is no place of this host sp1 -> name an interface that both hosts have, as eth0:8443',
  ],
  [
    `{listen: '224.0.0.1:1', ${TLS}}`,
    'tandem.api.listen=224.0.0.1:1 is an address that is multicast -> write the address of an interface',
  ],
  [
    "{plain_listen: '192.0.2.11:1'}",
    'tandem.api.plain_listen=192.0.2.11:1 would send tokens over the network unencrypted -> write 127.0.0.1:PORT or [::1]:PORT, or use listen with a certificate',
  ],
  [
    `{listen: 'eth0:1', certificate_file: c, key_file: /k}`,
    'tandem.api.certificate_file=c is not an absolute path -> write it from /, as /etc/tandem/api.crt',
  ],
  [
    `{listen: 'eth0:1', ${TLS}, clients: {x: read}}`,
    'tandem.api.clients mean nothing without who signs their certificates -> add client_ca_file',
  ],
  [
    `{listen: 'eth0:1', ${TLS}, client_ca_file: /ca}`,
    'tandem.api.client_ca_file=/ca lets nobody in: no subject has a role -> add clients, as "NAME: read"',
  ],
  [
    `{listen: 'eth0:1', ${TLS}, client_ca_file: /ca, clients: {x: write}}`,
    'tandem.api.clients.x=write is not one of read, operate -> write one of read, operate',
  ],
  [
    `{listen: 'eth0:1', ${TLS}, open: [roles]}`,
    'tandem.api.open[0]=roles is not one of role, health, metrics, page -> did you mean role?',
  ],
])('a mistake is named: %s', (api, line) => {
  expect(mistakesOf(api)).toContain(`error config.yml:5 ${line}`)
})
