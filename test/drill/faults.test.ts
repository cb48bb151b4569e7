/** Goal: a cut ends in the kernel by itself, and it is known who starts an agent again. */
import { expect, it } from 'vitest'
import { environmentOf, unitOf } from '../../src/drill/agent-kill.ts'
import { cutRules } from '../../src/drill/crosslink-cut.ts'
import { type ProberWord, proberLine, proberWord } from '../../src/drill/prober-words.ts'

it('cuts by members of a set that the kernel takes out in time', () => {
  const rules = cutRules(
    [
      { interface: 'eth1', family: 4, address: '192.168.255.252' },
      { interface: 'eth1', family: 6, address: 'fd72::2' },
    ],
    4_000,
  )
  expect(rules).toBe(`table inet tandem_drill
delete table inet tandem_drill
table inet tandem_drill {
  set cut4 {
    type ipv4_addr
    flags timeout
    elements = { 192.168.255.252 timeout 4000ms }
  }
  set cut6 {
    type ipv6_addr
    flags timeout
    elements = { fd72::2 timeout 4000ms }
  }
  chain input {
    type filter hook input priority -300; policy accept;
    iifname "eth1" ip saddr @cut4 drop
    iifname "eth1" ip6 saddr @cut6 drop
  }
  chain output {
    type filter hook output priority -300; policy accept;
    oifname "eth1" ip daddr @cut4 drop
    oifname "eth1" ip6 daddr @cut6 drop
  }
}
`)
})

it('finds the unit of a process, if it has one', () => {
  expect(unitOf('0::/system.slice/tandemd.service\n')).toBe('tandemd.service')
  expect(unitOf('0::/system.slice/tandemd.service/child\n')).toBe('tandemd.service')
  expect(unitOf('0::/user.slice/user-0.slice/session-1.scope\n')).toBeNull()
  expect(unitOf('4:cpu:/x.service\n1:name=systemd:/system.slice/a.service\n')).toBe('a.service')
  expect(unitOf('0::/\n')).toBeNull()
  expect(environmentOf('A=1\0B=x=y\0=odd\0C\0')).toEqual({ A: '1', B: 'x=y' })
})

it('reads what the prober wrote, and nothing else', () => {
  const words: ProberWord[] = [
    { type: 'answer', index: 1, sentMs: 1.5, atMs: 2.25, by: 'sp2' },
    { type: 'late', atMs: 10, ms: 3.125 },
    { type: 'trouble', message: 'Operation not permitted' },
  ]
  for (const word of words) expect(proberWord(proberLine(word))).toEqual(word)
  for (const line of [
    '',
    'answer',
    'answer 1 2 x sp1',
    'answer 1 2 3 sp3',
    '(node:1) Warning: x',
  ]) {
    expect(proberWord(line)).toBeNull()
  }
})
