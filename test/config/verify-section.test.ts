/** Goal: how stores are compared is read as written, and each mistake is named with its mend. */
import { expect, it } from 'vitest'
import { CONFIG, judgeTexts, linesOf } from '../helpers/config-case.ts'

const judged = (stores: string) => judgeTexts({ config: `${CONFIG}  stores:\n    ${stores}\n` })
const errorsOf = (stores: string): string[] =>
  linesOf(judged(stores).mistakes.filter(({ severity }) => severity === 'error'))

it('a store is compared with an account of its own, only when asked unless an interval is given', () => {
  const verifyOf = (stores: string) => judged(stores).config?.stores[0]?.verify
  expect(verifyOf('redis: {}')).toBe(null)
  expect(verifyOf('redis: {verify_user: look}')).toEqual({
    ...{ user: 'look', passwordFile: null, everyMs: null, schemas: null },
  })
  expect(
    verifyOf(
      'mariadb: {verify_user: look, verify_password_file: /etc/x, verify_every: 12h, verify_schemas: [kamailio, provisioning]}',
    ),
  ).toEqual({
    ...{ user: 'look', passwordFile: '/etc/x', everyMs: 43_200_000 },
    schemas: ['kamailio', 'provisioning'],
  })
  const every = (word: string) =>
    verifyOf(`redis: {verify_user: look, verify_every: ${word}}`)?.everyMs
  expect([every('1d'), every('2w'), every('never')]).toEqual([86_400_000, 1_209_600_000, null])
})

it('what makes no sense is refused', () => {
  expect(errorsOf('redis: {verify_every: 1d}')).toEqual([
    expect.stringMatching(
      /redis\.verify_every=1d means nothing without an account .* -> add verify_user/,
    ),
  ])
  expect(errorsOf('redis: {verify_user: look, verify_schemas: [x]}')).toEqual([
    expect.stringMatching(/redis\.verify_schemas.* means nothing for a Redis store -> remove it/),
  ])
  for (const word of ['1', '0d', '10m', '9999w', 'daily']) {
    expect(errorsOf(`redis: {verify_user: look, verify_every: ${word}}`)).toEqual([
      expect.stringMatching(/verify_every=.* is not an interval -> write hours, days or weeks/),
    ])
  }
})
