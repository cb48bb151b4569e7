/** Whatever stands in the files, reading them gives a judgement and never an exception. */
import { describe, expect, it } from 'vitest'
import { CONFIG, judgeTexts, NETWORK } from '../helpers/config-case.ts'

/** Mulberry32: the same seed, the same text. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const WORDS =
  'hosts sp1 sp2 sp3 peer interfaces lo eth0 eth1 ip netmask v6ip v6netmask shared_ip shared_v6ip type ha_int gateway dns_nameservers tandem ha heartbeat timing mode port data paths pingnodes fast default ping 192.0.2.1 192.0.2.10 ::1 fe80::1 2001:db8::1 24 255.255.255.0 yes ~ -1 1e9 *a &a << !!map "x" \'y\' | > ? % @ : , {} [] constructor __proto__ toString'.split(
    ' ',
  )

/** Nested sections, lists and words that look like a configuration and make no sense. */
function randomYaml(pick: (below: number) => number, depth = 0): string {
  const indent = '  '.repeat(depth)
  let text = ''
  for (let count = 1 + pick(5); count > 0; count -= 1) {
    const key = WORDS[pick(WORDS.length)]
    const shape = depth < 5 ? pick(4) : 0
    if (shape === 0) text += `${indent}${key}: ${WORDS[pick(WORDS.length)]}\n`
    else if (shape === 1) text += `${indent}- ${key}\n`
    else if (shape === 2) text += `${indent}${key}: [${WORDS[pick(WORDS.length)]}, ${key}]\n`
    else text += `${indent}${key}:\n${randomYaml(pick, depth + 1)}`
  }
  return text
}

/** Takes a good file and puts words where others were. */
function mutate(text: string, pick: (below: number) => number): string {
  const parts = text.split(/(\b[\w.]+\b)/)
  for (let count = 1 + pick(3); count > 0; count -= 1) {
    parts[pick(parts.length)] = WORDS[pick(WORDS.length)] ?? ''
  }
  return parts.join('')
}

describe('reading any text', () => {
  it('gives a judgement, with errors exactly where there is no configuration', () => {
    const pick = randomFrom(20_261_121)
    let usable = 0
    for (let round = 0; round < 300; round += 1) {
      const wild = round % 5 === 0
      const texts = {
        config: wild ? randomYaml(pick) : mutate(CONFIG, pick),
        network: wild ? randomYaml(pick) : mutate(NETWORK, pick),
      }
      const judged = judgeTexts(texts)
      const failed = judged.mistakes.some((mistake) => mistake.severity === 'error')
      const odd = judged.mistakes.filter(({ why, mend }) =>
        [why, mend].some((text) => text === '' || /undefined|\[object|NaN/.test(text)),
      )
      if (judged.ok === failed || odd.length > 0)
        expect({ ...texts, ok: judged.ok, odd }).toBeNull()
      if (judged.ok) usable += 1
    }
    // Otherwise the texts are too wild to get far.
    expect(usable).toBeGreaterThan(5)
  })
})
