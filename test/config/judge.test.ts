/** What the two files mean together, where no mistake is involved. */
import { describe, expect, it } from 'vitest'
import type { PairConfig } from '../../src/config/config.ts'
import { Findings } from '../../src/config/finding.ts'
import { TIMING_PROFILES } from '../../src/core/policy.ts'
import { CONFIG, edit, editOn, judgeTexts, linesOf, NETWORK } from '../helpers/config-case.ts'

type Texts = Parameters<typeof judgeTexts>[0]

function configOf(texts: Texts): PairConfig {
  const judged = judgeTexts(texts)
  if (!judged.ok) throw new Error(linesOf(judged.mistakes).join('\n'))
  return judged.config
}

const tandem = (text: string): string => edit(CONFIG, '  timing: fast\n', text)
const pathsOf = (texts: Texts): string[] =>
  configOf(texts).paths.map((one) => `${one.name} ${one.ourAddress} ${one.peerAddress}`)

describe('timing', () => {
  it.each([
    ['nowhere', CONFIG.replace('tandem:\n  timing: fast\n', '')],
    ['in its short form', tandem('  timing: default\n')],
    ['under ha', `ha: {pingnodes: [192.0.2.1, 192.0.2.2, 192.0.2.3], timing: default}\n`],
    ['at the top level', `${tandem('')}timing: "default"\n`],
    [
      'alike in three places',
      'timing: default\nha: {timing: default, pingnodes: [192.0.2.1, 192.0.2.2, 192.0.2.3]}\ntandem: {timing: {profile: default}}\n',
    ],
    ['with the numbers of the profile', tandem('  timing: {lease_ms: 600, marginMs: 200}\n')],
  ])('is the default profile when it stands %s', (_what, config) => {
    const { timingProfile, policy } = configOf({ config })
    expect(timingProfile).toBe('default')
    expect(policy.timing).toMatchObject(TIMING_PROFILES.default)
  })

  it('takes what a single number does not say from the profile', () => {
    const { timingProfile, policy } = configOf({
      config: tandem('  timing: {profile: fast, lease_ms: 150}\n'),
    })
    expect(timingProfile).toBe('custom')
    expect(policy.timing).toMatchObject({ ...TIMING_PROFILES.fast, leaseMs: 150 })
    expect(policy.timing.takeoverSilenceMs).toBe(60 + 150 + 40)
  })

  it('is not called untried when it could not even be read', () => {
    const { mistakes } = judgeTexts({ config: tandem('  timing: {lease_ms: 650, margin_ms: x}\n') })
    expect(mistakes.map((mistake) => mistake.key)).toEqual(['tandem.timing.margin_ms'])
  })
})

describe('settings', () => {
  it('have their own port before the platform’s, and 694 without either', () => {
    expect(configOf({}).port).toBe(694)
    expect(configOf({ config: `${CONFIG}heartbeat: {port: 1694}\n` }).port).toBe(1694)
    expect(configOf({ config: `${tandem('  port: 700\n')}heartbeat: {port: 1694}\n` }).port).toBe(
      700,
    )
  })

  it('are all taken as written', () => {
    const config = tandem(`  mode: ping
  mainStallMs: 1500
  key_file: /root/key
  gate: nftables
  control_group: voip
  data: {takeover: strict, recent_ms: 1, stale: refuse, stale_wait_ms: 2}
  stores: {mariadb: {semi_sync: yes}}
`)
    const { keyFile, gate, mainStallMs, controlGroup, policy } = configOf({ config })
    expect({ keyFile, gate, mainStallMs, controlGroup, data: policy.data }).toEqual({
      keyFile: '/root/key',
      gate: 'nftables',
      mainStallMs: 1500,
      controlGroup: 'voip',
      data: {
        takeover: 'strict',
        recentMs: 1,
        stale: 'refuse',
        staleWaitMs: 2,
        // 2D of the default profile: no confirmed write is lost.
        confirmAloneAfterMs: 2200,
      },
    })
  })
})

describe('ping nodes', () => {
  const fallback = { config: 'tandem: {timing: fast}\n' }
  const addresses = (texts: Texts): string[] =>
    configOf(texts).pingNodes.map((node) => `${node.address} ${node.source}`)

  it('are the gateways and name servers when none is named', () => {
    expect(addresses(fallback)).toEqual(['192.0.2.1 gateway', '198.51.100.30 dns'])
  })

  it('leave out name servers of interfaces without a gateway', () => {
    const network = edit(NETWORK, 'type: [ha_int]', 'type: [ha_int], dns_nameservers: 10.0.0.1')
    expect(addresses({ ...fallback, network })).toEqual(['192.0.2.1 gateway', '198.51.100.30 dns'])
  })

  it('are only what was asked for when one kind was', () => {
    expect(addresses({ config: 'ha: {pingnodes_add_gw: yes}\n' })).toEqual(['192.0.2.1 gateway'])
    expect(addresses({ config: 'ha: {pingnodes_add_dns: yes}\n' })).toEqual(['198.51.100.30 dns'])
  })

  it('of the older list count when the newer one is empty, and not otherwise', () => {
    const older = 'heartbeat: {pingnodes: [192.0.2.7, 192.0.2.8, 192.0.2.9]}\n'
    const sevens = ['192.0.2.7 config', '192.0.2.8 config', '192.0.2.9 config']
    expect(addresses({ config: `ha: {pingnodes: []}\n${older}` })).toEqual(sevens)
    expect(addresses({ config: `ha: {pingnodes: ~}\n${older}` })).toEqual(sevens)
    expect(addresses({ config: CONFIG + older })).not.toContain('192.0.2.7 config')
  })

  it('are the same node in any spelling of its address', () => {
    const config = 'ha: {pingnodes: ["2001:DB8::1", "2001:db8:0::1", 192.0.2.2, 192.0.2.3]}\n'
    expect(addresses({ config })).toEqual([
      '192.0.2.2 config',
      '192.0.2.3 config',
      '2001:db8::1 config',
    ])
  })
})

describe('paths', () => {
  it('take IPv6 where there is no IPv4 on both ends, but never a link-local address', () => {
    const crosslink = (ours: string, theirs: string): string =>
      edit(
        edit(NETWORK, 'ip: 192.168.255.251, netmask: 29', ours),
        'ip: 192.168.255.252, netmask: 29',
        theirs,
      )
    expect(
      pathsOf({
        network: crosslink('v6ip: "fd00::1", v6netmask: 64', 'v6ip: "fd00::2", v6netmask: 64'),
      }),
    ).toEqual(['crosslink fd00::1 fd00::2', 'lan 192.0.2.11 192.0.2.12'])
    expect(
      pathsOf({
        network: crosslink('v6ip: "fe80::1", v6netmask: 64', 'v6ip: "fe80::2", v6netmask: 64'),
      }),
    ).toEqual(['lan 192.0.2.11 192.0.2.12'])
  })

  it('are the same crosslink when the two machines name its ends differently', () => {
    const renamed = NETWORK.replaceAll('eth1', 'ens7')
      .replace(/ens7/, 'eth1')
      .replace(/ens7/, 'eth1')
    expect(pathsOf({ network: renamed })[0]).toBe('crosslink 192.168.255.251 192.168.255.252')
  })

  it('have the name of the interface where there are several of a kind', () => {
    const network = NETWORK.replaceAll('[lo, eth0, eth1]', '[lo, eth0, eth1, eth2, eth3]')
      .replace(
        '  sp2:',
        '    eth2: {ip: 10.2.0.1, netmask: 24, type: [ha_int]}\n    eth3: {ip: 10.3.0.1, netmask: 24, type: []}\n  sp2:',
      )
      .concat(
        '    eth2: {ip: 10.2.0.2, netmask: 24, type: [ha_int]}\n    eth3: {ip: 10.3.0.2, netmask: 24, type: []}\n',
      )
    expect(pathsOf({ network, config: tandem('  paths: [eth3]\n') })).toEqual([
      'crosslink:eth1 192.168.255.251 192.168.255.252',
      'crosslink:eth2 10.2.0.1 10.2.0.2',
      'lan 192.0.2.11 192.0.2.12',
      'extra 10.3.0.1 10.3.0.2',
    ])
  })
})

describe('floating IPs', () => {
  it('may be one text, several in one text, or nothing at all', () => {
    const one = configOf({ network: edit(NETWORK, '[192.0.2.10]', '192.0.2.10') })
    expect(one.floatingIps.map((ip) => ip.address)).toEqual(['192.0.2.10'])
    const two = configOf({ network: edit(NETWORK, '[192.0.2.10]', '"192.0.2.10 192.0.2.9"') })
    expect(two.floatingIps.map((ip) => ip.label)).toEqual(['eth0:0', 'eth0:1'])
    for (const nothing of ["''", '~', '[]', '']) {
      expect(configOf({ network: edit(NETWORK, '[192.0.2.10]', nothing) }).floatingIps).toEqual([])
    }
  })

  it('may be on an interface without an own address when that is said', () => {
    const network = edit(
      edit(edit(NETWORK, '      ip: 192.0.2.11\n', ''), '      ip: 192.0.2.12\n', ''),
      'netmask: 255.255.255.0',
      'netmask: 255.255.255.0\n      shared_ip_only: yes',
    )
    expect(configOf({ network }).floatingIps.map((ip) => ip.address)).toEqual(['192.0.2.10'])
  })

  it('that only the peer names are a mistake too', () => {
    const network = editOn('sp2', NETWORK, '[192.0.2.10]', '[192.0.2.10, 192.0.2.9]')
    expect(linesOf(judgeTexts({ network }).mistakes)).toEqual([
      'error network.yml:26 hosts.sp2.eth0.shared_ip[1]=192.0.2.9 is not a shared address of the other host, sp1 -> add it to hosts.sp1.eth0.shared_ip, or remove it here',
    ])
  })
})

describe('what is no conflict', () => {
  it('is the same address on dummy interfaces, an interface listed twice, and a slip elsewhere', () => {
    const dummy = '    dummy0: {ip: 10.9.9.9, netmask: 32, type: [aux_ext]}\n'
    const network = `${NETWORK.replaceAll('[lo, eth0, eth1]', '[lo, eth0, eth1, eth1, dummy0]').replace('  sp2:', `${dummy}  sp2:`)}${dummy}  web01a: {peer: nobody, interfaces: [eth7], eth0: {ip: x}}\n`
    expect(linesOf(judgeTexts({ network }).mistakes)).toEqual([])
  })
})

describe('findings', () => {
  it('tell the same mistake once', () => {
    const findings = new Findings()
    const place = { file: 'x', line: 1, key: 'a' }
    findings.error(place, 'is wrong', 'mend it')
    findings.error({ ...place }, 'is wrong', 'mend it')
    findings.error({ ...place, line: 2 }, 'is wrong', 'mend it')
    expect(findings.all.map((mistake) => mistake.line)).toEqual([1, 2])
  })
})
