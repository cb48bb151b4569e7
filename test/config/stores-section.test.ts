/** Goal: stores are read as written, with defaults that fit the platform, and each mistake is named. */
import { describe, expect, it } from 'vitest'
import type { StoreConfig } from '../../src/config/config.ts'
import { CONFIG, judgeTexts, linesOf } from '../helpers/config-case.ts'

const judgeStores = (stores: string) => judgeTexts({ config: `${CONFIG}  stores:\n${stores}` })

const storesOf = (stores: string): readonly StoreConfig[] => {
  const judged = judgeStores(stores)
  expect(linesOf(judged.mistakes.filter(({ severity }) => severity === 'error'))).toEqual([])
  return judged.config?.stores ?? []
}

const errorsOf = (stores: string): string[] =>
  linesOf(judgeStores(stores).mistakes.filter(({ severity }) => severity === 'error'))

describe('a store', () => {
  it('needs no more than its name, and finds the peer over the crosslink', () => {
    const [redis, mariadb] = storesOf('    redis: {}\n    mariadb: {semi_sync: yes}\n')
    expect(redis).toEqual({
      ...{ name: 'redis', kind: 'redis', socketPath: null, address: '127.0.0.1', port: 6379 },
      ...{ peerAddress: '192.168.255.252', peerPort: 6379, user: 'tandem', passwordFile: null },
      ...{ replicationUser: 'tandem_repl', replicationPasswordFile: null, undoUser: null },
      ...{ undoPasswordFile: null, semiSync: false, dataDirectory: null, pidFile: null },
      ...{ probeMisses: 3, minFreeMb: null, archivesKept: 10, verify: null, lagMax: 67_108_864 },
    })
    expect(mariadb).toMatchObject({ kind: 'mariadb', port: 3306, peerPort: 3306, semiSync: true })
  })

  it('of another name says of which kind it is', () => {
    const [calls] = storesOf('    redis-calls: {kind: redis, port: 6380, peer_port: 6381}\n')
    expect(calls).toMatchObject({ name: 'redis-calls', kind: 'redis', port: 6380, peerPort: 6381 })
    expect(errorsOf('    calls: {port: 6380}\n')).toEqual([
      expect.stringMatching(/tandem\.stores\.calls.* does not say of which kind it is/),
    ])
  })

  it('that cannot be used is refused with the key and the mend', () => {
    const wrong = `    redis:
      semi_sync: yes
      pasword_file: /etc/x
      socket: redis.sock
      peer_address: sp2
      port: 70000
`
    expect(errorsOf(wrong)).toEqual([
      expect.stringMatching(
        /redis\.pasword_file.* is not a known key -> did you mean password_file/,
      ),
      expect.stringMatching(/redis\.semi_sync.* means nothing for a Redis store -> remove it/),
      expect.stringMatching(/redis\.port=70000 is too large/),
      expect.stringMatching(/redis\.socket=redis\.sock is not an absolute path/),
      expect.stringMatching(/redis\.peer_address=sp2 is not an address/),
    ])
    expect(errorsOf('    ../redis: {kind: redis}\n')).toEqual([
      expect.stringContaining('has a name that cannot be used in file names'),
    ])
  })
})

describe('the policy for takeovers', () => {
  const takeoverOf = (config: string) => judgeTexts({ config }).config?.policy.data.takeover

  it('asks for proof where a store can give it, and not where none can', () => {
    expect(takeoverOf(CONFIG)).toBe('none')
    expect(takeoverOf(`${CONFIG}  stores: {redis: {}}\n`)).toBe('none')
    expect(takeoverOf(`${CONFIG}  stores: {mariadb: {semi_sync: yes}}\n`)).toBe('recent')
  })

  it('that asks for a proof that no store gives is a mistake', () => {
    const { mistakes } = judgeTexts({ config: `${CONFIG}  data: {takeover: strict}\n` })
    expect(linesOf(mistakes).at(-1)).toMatch(/no store can give any -> set semi_sync/)
  })
})
