import { describe, expect, it } from 'vitest'
import { fingerprint, formatKeys, makeKey, nextKeyId, parseKeys } from '../../src/wire/key.ts'

const hexA = '0123456789abcdef'.repeat(4)
const hexB = 'fedcba9876543210'.repeat(4)
const NEW = 'Make a new one with "tandem key new" and copy it to the peer.'

function idsOf(text: string): number[] | string {
  const read = parseKeys(text)
  return read.ok ? read.keys.map((key) => key.id) : read.why
}

describe('the key file', () => {
  it('is read with its keys in order, comments and blank lines left out', () => {
    const read = parseKeys(`# key of the pair\n\n 3 ${hexA}\r\n1\t${hexB.toUpperCase()}\n`)
    if (!read.ok) throw new Error(read.why)
    expect(read.keys.map((key) => [key.id, key.secret.export().toString('hex')])).toEqual([
      [3, hexA],
      [1, hexB],
    ])
  })

  it('comes back as it was written', () => {
    const keys = [makeKey(2, Buffer.from(hexB, 'hex')), makeKey(255, Buffer.from(hexA, 'hex'))]
    const text = formatKeys(keys)
    expect(text).toBe(
      `# Shared key of the pair. The first key signs, all are accepted. Keep it secret (mode 0600).\n2 ${hexB}\n255 ${hexA}\n`,
    )
    expect(idsOf(text)).toEqual([2, 255])
  })

  const mistakes: [string, string, { line: number; why: string; mend: string }][] = [
    ['an empty file', '', { line: 0, why: 'holds no key', mend: NEW }],
    ['comments only', '# nothing\n', { line: 0, why: 'holds no key', mend: NEW }],
    [
      'a secret without id',
      `${hexA}\n`,
      {
        line: 1,
        why: 'is not "ID SECRET" with an id from 1 to 255',
        mend: 'Write one key per line, as "tandem key new" does.',
      },
    ],
    [
      'an id out of range',
      `256 ${hexA}\n`,
      {
        line: 1,
        why: 'is not "ID SECRET" with an id from 1 to 255',
        mend: 'Write one key per line, as "tandem key new" does.',
      },
    ],
    [
      'a short secret',
      `# x\n1 ${hexA.slice(2)}\n`,
      { line: 2, why: 'has a secret of 62 hexadecimal digits, 64 are needed', mend: NEW },
    ],
    [
      'a pass phrase',
      '1 swordfish\n',
      { line: 1, why: 'has a secret that is not hexadecimal', mend: NEW },
    ],
    [
      'zeros',
      `1 ${'0'.repeat(64)}\n`,
      { line: 1, why: 'has a secret that is a placeholder', mend: NEW },
    ],
    [
      'an id twice',
      `1 ${hexA}\n1 ${hexB}\n`,
      {
        line: 2,
        why: 'repeats the key id 1',
        mend: 'Give each key an id of its own, or drop one.',
      },
    ],
    [
      'five keys',
      [1, 2, 3, 4, 5].map((id) => `${id} ${hexA}\n`).join(''),
      {
        line: 5,
        why: 'is key number 5',
        mend: 'Drop old keys with "tandem key rotate --finish".',
      },
    ],
  ]
  for (const [what, text, mistake] of mistakes)
    it(`with ${what} is refused with the line and the mend`, () => {
      expect(parseKeys(text)).toEqual({ ok: false, ...mistake })
    })

  it('never shows a secret in what it complains about', () => {
    for (const text of [`${hexA}\n`, `1 ${hexA}ff\n`, `x ${hexA}\n`, `1 ${hexA} 2 ${hexB}\n`])
      expect(JSON.stringify(parseKeys(text))).not.toMatch(/0123456789abcdef/)
  })

  it('never throws on any text', () => {
    for (let code = 0; code < 3000; code += 1) {
      const text = String.fromCharCode(code % 256, (code * 7) % 256, 10, 49, 32, code)
      expect(typeof parseKeys(text).ok).toBe('boolean')
    }
  })
})

describe('keys', () => {
  it('have a fingerprint that differs with the secret only', () => {
    const a = makeKey(1, Buffer.from(hexA, 'hex'))
    expect(fingerprint(a)).toMatch(/^[0-9a-f]{8}$/)
    expect(fingerprint(makeKey(2, Buffer.from(hexA, 'hex')))).toBe(fingerprint(a))
    expect(fingerprint(makeKey(1, Buffer.from(hexB, 'hex')))).not.toBe(fingerprint(a))
  })

  it('get the next free id', () => {
    const key = (id: number) => makeKey(id, Buffer.from(hexA, 'hex'))
    expect(nextKeyId([])).toBe(1)
    expect(nextKeyId([key(1), key(4)])).toBe(5)
    expect(nextKeyId([key(255), key(1)])).toBe(2)
  })

  it('are never made of too few bytes', () => {
    expect(() => makeKey(1, Buffer.alloc(16))).toThrow(RangeError)
    expect(() => makeKey(0, Buffer.alloc(32))).toThrow(RangeError)
  })
})
