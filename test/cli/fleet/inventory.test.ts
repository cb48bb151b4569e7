/**
 * Goal: an inventory with mistakes is refused as a whole, each mistake with its place and mend, and no token is ever
 * repeated. Method: files as an operator may write them.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInventory } from '../../../src/cli/fleet/inventory.ts'
import { makeCertificate } from '../../helpers/certificate.ts'

let place: string
let token: string
let ca: string

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tandem-fleet-'))
  token = join(place, 'token')
  ca = join(place, 'ca.pem')
  writeFileSync(token, 'tandem_secret\n', { mode: 0o600 })
  writeFileSync(ca, makeCertificate('IP:127.0.0.1').cert)
})
afterAll(() => rmSync(place, { recursive: true }))

async function read(text: string) {
  const file = join(place, 'fleet.yml')
  writeFileSync(file, text)
  return await readInventory(file)
}

const VIENNA = '  vienna: {sp1: "https://10.1.0.1:8443", sp2: "https://10.1.0.2:8443"}\n'

describe('an inventory', () => {
  test('names pairs in order, with what is common to all of them and what is not', async () => {
    const other = join(place, 'other-token')
    writeFileSync(other, 'tandem_other', { mode: 0o600 })
    const { inventory, mistakes } = await read(
      `token_file: ${token}\nca_file: ${ca}\npairs:\n${VIENNA}` +
        `  graz: {sp1: "https://sp1.graz.example", sp2: "https://[fd00::2]:8443/", token_file: ${other}}\n`,
    )
    expect(mistakes).toEqual([])
    expect(inventory?.pairs.map(({ name }) => name)).toEqual(['vienna', 'graz'])
    const [vienna, graz] = inventory?.pairs ?? []
    expect(vienna?.doors.sp1).toEqual({
      origin: 'https://10.1.0.1:8443',
      token: 'tandem_secret',
      ca: expect.stringContaining('BEGIN CERTIFICATE'),
    })
    expect(graz?.doors.sp2).toMatchObject({
      origin: 'https://[fd00::2]:8443',
      token: 'tandem_other',
    })
  })

  test.each([
    ['an empty file', '', 'names no pairs'],
    ['a list of pairs', 'pairs: [a, b]\n', 'is no section'],
    ['a key that is none', 'tokenfile: /x\npairs: {}\n', 'is not a known key'],
    ['no token', `pairs:\n${VIENNA}`, 'has no token'],
    [
      'a node that is not there',
      'token_file: T\npairs: {a: {sp1: "https://x"}}\n',
      'does not say where sp2 is',
    ],
    [
      'plain HTTP',
      'token_file: T\npairs: {a: {sp1: "http://x", sp2: "https://y"}}\n',
      'is not https://',
    ],
    [
      'a path',
      'token_file: T\npairs: {a: {sp1: "https://x/v1", sp2: "https://y"}}\n',
      'is not https://',
    ],
    [
      'a password in the address',
      'token_file: T\npairs: {a: {sp1: "https://u:p@x", sp2: "https://y"}}\n',
      'is not https://',
    ],
    [
      'a name with a blank',
      'token_file: T\npairs: {"a b": {sp1: "https://x", sp2: "https://y"}}\n',
      'is no usable name',
    ],
    [
      'a node twice',
      `token_file: T\npairs:\n${VIENNA}  graz: {sp1: "https://x", sp2: "https://10.1.0.2:8443"}\n`,
      'is sp2 of vienna already',
    ],
    [
      'no certificate',
      'token_file: T\nca_file: T\npairs: {a: {sp1: "https://x", sp2: "https://y"}}\n',
      'holds no certificate',
    ],
    [
      'no file',
      'token_file: /nowhere\npairs: {a: {sp1: "https://x", sp2: "https://y"}}\n',
      '/nowhere: it does not exist',
    ],
  ])('with %s is refused', async (_, text, why) => {
    const { inventory, mistakes } = await read(text.replaceAll(': T\n', `: ${token}\n`))
    expect(inventory).toBeNull()
    expect(mistakes.map((mistake) => mistake.why).join('\n')).toContain(why)
    expect(JSON.stringify(mistakes)).not.toContain('tandem_secret')
    for (const { mend } of mistakes) expect(mend).not.toBe('')
  })

  test('does not take a token that others can read, nor one that is none', async () => {
    const text = `token_file: ${token}\npairs:\n${VIENNA}`
    chmodSync(token, 0o644)
    expect((await read(text)).mistakes[0]?.mend).toBe(`chmod 600 ${token}`)
    chmodSync(token, 0o600)
    writeFileSync(token, 'two words\n')
    expect((await read(text)).mistakes[0]?.why).toBe('holds no token')
    writeFileSync(token, 'tandem_secret\n')
  })
})
