import { expect, test } from 'vitest'
import {
  formatToken,
  hashToken,
  newToken,
  ownerOf,
  parseTokens,
} from '../../src/wire/api-tokens.ts'

const HASH = 'ab'.repeat(32)

test('a line is read as it was written, comments and blanks are passed over', () => {
  const token = { role: 'operate', name: 'carol.laptop', hash: HASH } as const
  const text = `# who\n\n${formatToken(token)}  read \t prometheus ${HASH.replaceAll('b', 'c')}  \n`
  expect(parseTokens(text)).toEqual({
    ok: true,
    tokens: [token, { role: 'read', name: 'prometheus', hash: 'ac'.repeat(32) }],
  })
  expect(parseTokens('')).toEqual({ ok: true, tokens: [] })
})

test.each([
  ['write x y', 'does not begin with a role', 'write read or operate'],
  ['read', 'has no usable name', 'write letters, digits, ".", "_", "-"'],
  [`read a/b ${HASH}`, 'has no usable name', 'write letters, digits, ".", "_", "-"'],
  ['read a', 'has no hash of a token at its end', 'make the line with "tandem token new"'],
  [`read a ${HASH}0`, 'has no hash of a token at its end', 'make the line with "tandem token new"'],
  [
    `read a ${HASH} x`,
    'has no hash of a token at its end',
    'make the line with "tandem token new"',
  ],
  [`read first ${HASH}`, 'names first a second time', 'remove one of the two lines'],
])('a line that is none is named: %s', (line, why, mend) => {
  const text = `read first ${HASH}\n\n${line}\n`
  expect(parseTokens(text)).toEqual({ ok: false, line: 3, why, mend })
})

test('a token has one owner, and nothing else has any', () => {
  const [ours, theirs] = [newToken(), newToken()]
  expect(ours).toMatch(/^tandem_[A-Za-z0-9_-]{43}$/)
  expect(ours).not.toBe(theirs)
  const tokens = [
    { role: 'read', name: 'a', hash: hashToken(ours) },
    { role: 'operate', name: 'b', hash: hashToken(theirs) },
  ] as const
  expect(ownerOf(ours, tokens)).toBe(tokens[0])
  expect(ownerOf(theirs, tokens)).toBe(tokens[1])
  for (const wrong of ['', ours.slice(1), `${ours} `, hashToken(ours)]) {
    expect(ownerOf(wrong, tokens)).toBe(null)
  }
})
