/**
 * Goal: the rules of the house hold: who imports whom, what the core may not touch, how long a file
 * may grow, and that what the documents name exists. Method: read the sources as text.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const TRACKED = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))
const SOURCES = TRACKED.filter((path) => path.startsWith('src/') && path.endsWith('.ts'))

/** Which rooms a room may import; '*' is everything. Single files are named in full. */
const ROOMS: Record<string, readonly string[]> = {
  core: ['core'],
  wire: ['core', 'wire', 'config/config.ts'],
  config: ['core', 'config', 'system/file.ts', 'system/file-set.ts', 'errors.ts', 'wire'],
  system: ['system', 'errors.ts', 'wire/ip-address.ts'],
  gate: ['gate', 'system', 'core', 'config/config.ts', 'errors.ts', 'wire'],
  links: ['links', 'core', 'wire', 'system', 'config/config.ts'],
  sip: ['sip', 'system', 'wire/ip-address.ts', 'errors.ts'],
  resources: [
    ...['resources', 'core', 'system', 'errors.ts', 'config/config.ts', 'wire', 'sip'],
    ...['config/check-text.ts', 'config/check-place.ts'],
  ],
  control: ['control', 'core', 'config', 'errors.ts', 'wire', 'gate/gate.ts'],
  record: ['record', 'core'],
  api: ['api', 'config', 'errors.ts', 'system/file.ts', 'wire'],
  drill: [...['drill', 'core', 'config', 'control', 'links', 'sip', 'system', 'wire', 'resources']],
  daemon: ['*'],
  sim: ['sim', 'core', 'wire', 'daemon/loop.ts', 'daemon/executor.ts', 'daemon/ports.ts', 'gate'],
  lab: [
    'lab',
    'system',
    'config',
    'errors.ts',
    'wire/key.ts',
    'control/schema.ts',
    'resources/redis-setup.ts',
    'resources/mariadb-setup.ts',
  ],
  cli: ['*'],
  package: ['package', 'cli'],
}

/** Inside `daemon`, only these look at the world; the rest is handed its doors. */
const PURE_DAEMON = ['daemon/loop.ts', 'daemon/executor.ts', 'daemon/ports.ts']

/** Each package is imported by one file. */
const PACKAGES: Record<string, readonly string[]> = {
  execa: ['system/exec.ts'],
  fastify: ['control/server.ts', 'control/request.ts', 'control/event-route.ts'],
  // The second is an application of the lab, which comes as applications do.
  mysql2: ['resources/mariadb-door.ts', 'lab/sql-writer.ts'],
  ioredis: ['resources/redis-line.ts'],
  nodemailer: ['system/mail.ts'],
  'net-ping': ['system/icmp.ts'],
  'raw-socket': ['system/icmp.ts'],
  systeminformation: ['system/usage.ts'],
  yaml: ['config/yaml.ts'],
}

/** What the compiler cannot keep out of the core, and what to use instead. */
const BANNED_IN_CORE: readonly [RegExp, string][] = [
  [/\bDate\b/, 'the time comes in with the event'],
  [/\bMath\.random\b/, 'chance comes in with the event'],
  [/\basync\b|\bawait\b|\bPromise\b/, 'an effect is started, an event tells of its end'],
  [/\btry\s*\{/, 'outside failures are events; our mistakes end the process'],
  [/\bconsole\b|(?<![.\w])process\./, 'effects tell what should be said'],
]

const LINES_MAX = 420

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Without comments, so that words in prose do not count. */
function codeOf(path: string): string {
  return read(path)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
}

function importsOf(path: string): string[] {
  const code = codeOf(path)
  const statements = /^\s*(?:import|export)\s[^'"=]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm
  return [...code.matchAll(statements)].map((match) => match[1] ?? match[2] ?? '')
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

describe('the house', () => {
  it('keeps every import within the rooms that a room may import', () => {
    const wrong: string[] = []
    for (const path of SOURCES.filter((source) => source.split('/').length > 2)) {
      const allowed = ROOMS[roomOf(path)]
      if (allowed === undefined) {
        wrong.push(`${path}: its room is not in the table`)
        continue
      }
      for (const name of importsOf(path).filter((found) => found.startsWith('.'))) {
        const target = relative('src', normalize(join(dirname(path), name)))
        const ok = allowed.some(
          (room) => room === '*' || target === room || target.startsWith(`${room}/`),
        )
        if (!ok) wrong.push(`${path} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('keeps commands and simulator out of the agent, and the edges out of its loop', () => {
    const wrong = SOURCES.filter((path) => roomOf(path) === 'daemon').flatMap((path) =>
      importsOf(path)
        .filter((name) => /\/(cli|sim|lab)\//.test(name))
        .map((name) => `${path} imports ${name}`),
    )
    for (const file of PURE_DAEMON) {
      for (const name of importsOf(`src/${file}`)) {
        if (!/^\.\.\/(core|gate)\/|^\.\//.test(name)) wrong.push(`src/${file} imports ${name}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('imports each package in one place', () => {
    const wrong: string[] = []
    for (const path of SOURCES.filter((source) => !source.endsWith('.d.ts'))) {
      for (const name of importsOf(path)) {
        if (name.startsWith('.') || name.startsWith('node:')) continue
        const places = PACKAGES[name]
        if (places === undefined) wrong.push(`${path} imports ${name}, which has no place yet`)
        else if (!places.includes(relative('src', path))) wrong.push(`${path} imports ${name}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('keeps clocks, chance and waiting out of the core', () => {
    const wrong: string[] = []
    for (const path of SOURCES.filter((source) => roomOf(source) === 'core')) {
      for (const [pattern, instead] of BANNED_IN_CORE) {
        if (pattern.test(codeOf(path))) wrong.push(`${path}: ${pattern.source} (${instead})`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('keeps files short enough to be read in one go', () => {
    const long = SOURCES.filter((path) => read(path).split('\n').length > LINES_MAX)
    expect(long).toEqual([])
  })

  it('opens every source with what it answers', () => {
    const silent = SOURCES.filter(
      (path) => !path.endsWith('.d.ts') && !/^(#!.*\n)?\/\*\*/.test(read(path)),
    )
    expect(silent).toEqual([])
  })

  it('leaves nothing half done behind', () => {
    const marks = TRACKED.filter((path) => /^(src|agents|systemd|playbooks)\//.test(path))
      .filter((path) => !path.endsWith('.o'))
      .filter((path) => /\bFIXME\b|\bXXX\b|\bTODO\b/.test(read(path)))
    expect(marks).toEqual([])
  })

  it('names programs that exist and can be run', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> }
    const missing: string[] = []
    for (const [name, target] of Object.entries(bin)) {
      const path = join(ROOT, target)
      if (!existsSync(path)) missing.push(`${name}: ${target}`)
      else if (!target.endsWith('.js')) accessSync(path, constants.X_OK)
    }
    for (const path of TRACKED.filter((found) => /^agents\/[^/.]+$/.test(found))) {
      accessSync(join(ROOT, path), constants.X_OK)
    }
    expect(missing).toEqual([])
  })

  it('leaves no file half merged', () => {
    const marks = /^(?:<{7} |={7}$|>{7} )/m
    const texts = TRACKED.filter((path) => /\.(?:md|ts|mjs|json|yml|sh|css|html)$/.test(path))
    const halves = texts.filter((path) => marks.test(read(path)))
    expect(halves).toEqual([])
  })
})
