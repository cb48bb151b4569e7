// Goal: the text that operators put in place means what we meant, whatever the passwords are. Method:
// whole output compared, and read back with the reader that follows the server's own rules.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseSettings, readSettings } from '../../src/resources/redis-settings.ts'
import { accessLines, configurationLines, setupText } from '../../src/resources/redis-setup.ts'

const directory = mkdtempSync(join(tmpdir(), 'tandem-settings-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const SETUP = {
  username: 'tandem',
  password: 'our password',
  replicaUsername: 'replica',
  replicaPassword: 'x" \\ \n# y',
  aclFile: '/etc/redis/users acl',
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('the access list', () => {
  test('allows our account what it needs, on our own keys, and nothing else', () => {
    expect(accessLines(SETUP)).toBe(
      `user tandem on #${sha256('our password')} resetkeys ~tandem:* resetchannels -@all +ping +info +replicaof +client|pause +client|unpause +client|kill +set +bgsave +acl|whoami +acl|dryrun\n` +
        `user replica on #${sha256('x" \\ \n# y')} resetkeys resetchannels -@all +psync +replconf +ping\n` +
        'user default on nopass ~* &* +@all -@admin -@dangerous +info +keys\n',
    )
  })
})

describe('the configuration', () => {
  test('boots read-only and alone, and says each setting once', () => {
    const lines = parseSettings(configurationLines(SETUP))
    expect(Object.fromEntries(lines.map(({ name, words }) => [name, words]))).toEqual({
      replicaof: ['127.0.0.1', '1'],
      'replica-read-only': ['yes'],
      'replica-serve-stale-data': ['yes'],
      'repl-backlog-size': ['64mb'],
      'repl-backlog-ttl': ['0'],
      'repl-ping-replica-period': ['1'],
      'repl-timeout': ['5'],
      'repl-diskless-sync': ['yes'],
      'repl-diskless-sync-delay': ['0'],
      'min-replicas-to-write': ['0'],
      appendonly: ['yes'],
      appendfsync: ['everysec'],
      aclfile: ['/etc/redis/users acl'],
      masteruser: ['replica'],
      masterauth: ['x" \\ \n# y'],
    })
    expect(new Set(lines.map(({ name }) => name)).size).toBe(lines.length)
  })

  test('never holds the password of our own account, nor does the whole text', () => {
    expect(setupText(SETUP)).not.toContain('our password')
    expect(setupText(SETUP)).toContain(accessLines(SETUP))
    expect(setupText(SETUP)).toContain(configurationLines(SETUP))
  })
})

describe('a configuration file', () => {
  test('is read with quotes and escapes, comments left out, names in any case', () => {
    const text = `# no\n\n  Dir /var/lib/redis \nsave 3600 1 300 100\nmasterauth "a\\x20\\"b\\n"\nuser 'it\\'s' x\nbad "open\n`
    expect(parseSettings(text)).toEqual([
      { name: 'dir', words: ['/var/lib/redis'] },
      { name: 'save', words: ['3600', '1', '300', '100'] },
      { name: 'masterauth', words: ['a "b\n'] },
      { name: 'user', words: ["it's", 'x'] },
    ])
  })

  test('is read with what it includes; the last line of a name wins; what was not read is said', async () => {
    const main = join(directory, 'redis.conf')
    const more = join(directory, 'more.conf')
    writeFileSync(main, `dir /a\ninclude ${more}\nport 1\ninclude conf.d/*.conf\n`)
    writeFileSync(more, 'dir /b\nport 2\n')
    const settings = await readSettings(main)
    expect(Object.fromEntries(settings.values)).toEqual({ dir: ['/b'], port: ['1'] })
    expect(settings.missing).toBe(`${main} includes conf.d/*.conf, which is not followed`)
    const absent = await readSettings(join(directory, 'absent'))
    expect(absent.missing).toBe(`cannot read ${join(directory, 'absent')}: it does not exist`)
  })

  test('that includes itself comes to an end', async () => {
    const path = join(directory, 'loop.conf')
    writeFileSync(path, `include ${path}\nport 3\n`)
    const settings = await readSettings(path)
    expect(settings.values.get('port')).toEqual(['3'])
    expect(settings.missing).toMatch(/which is not followed$/)
  })
})
