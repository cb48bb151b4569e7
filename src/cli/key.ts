/**
 * `tandem key new|rotate|show-id`: the key that both nodes sign their heartbeats with.
 *
 * A key is replaced in three steps, each on both nodes before the next, with no moment in which one
 * node refuses the other: `--prepare` lets the new key be accepted, `--activate` lets it sign,
 * `--finish` drops the old one. Done twice, a step changes nothing.
 *
 * Secrets are written to 0600 files and never printed.
 */
import { randomBytes } from 'node:crypto'
import { loadConfig } from '../config/load.ts'
import { pathExists } from '../system/file.ts'
import {
  fingerprint,
  isNewerKey,
  makeKey,
  nextKeyId,
  type PairKey,
  SECRET_BYTES,
} from '../wire/key.ts'
import { type CommandSpec, type Io, type Parsed, parseCommand, usageError } from './command.ts'
import { EXIT } from './exit-code.ts'
import { type Outcome, readKeys, writeKeys } from './key-file.ts'

export const SPEC: CommandSpec = {
  name: 'key',
  summary: 'Makes, replaces and names the shared key of the pair.',
  details:
    'new        makes the first key; copy the file to the other node\n' +
    'show-id    id and fingerprint of each key, to compare between the nodes\n' +
    'rotate     replaces the key in three steps; do each on both nodes before the next\n',
  positionals: ['new|rotate|show-id'],
  options: {
    file: { type: 'string', value: 'FILE', help: 'key file (key_file of the configuration)' },
    prepare: { type: 'boolean', help: 'rotate: add a new key, accepted but not signing' },
    activate: { type: 'boolean', help: 'rotate: let the new key sign' },
    finish: { type: 'boolean', help: 'rotate: drop the old key' },
    'write-to': {
      type: 'string',
      value: 'COPY',
      help: 'also write a 0600 copy for the other node',
    },
  },
}

const DEFAULT_FILE = '/etc/tandem/key'
const STEPS = ['prepare', 'activate', 'finish'] as const
type Step = (typeof STEPS)[number]

/** Runs the command; the exit code is one of `exit-code.ts`. */
export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { parsed } = result
  const word = parsed.positionals[0] ?? ''
  const steps = STEPS.filter((step) => parsed.values[step] === true)
  const [step] = steps
  if (word !== 'rotate' && step !== undefined)
    return usageError(SPEC.name, `--${step} belongs to: tandem key rotate`, io)
  const copy = parsed.values['write-to']
  const copyTo = typeof copy === 'string' ? copy : null
  if (copyTo !== null && word !== 'new' && step !== 'prepare')
    return usageError(SPEC.name, '--write-to belongs to new and to rotate --prepare', io)
  const file = await keyFileOf(parsed)
  switch (word) {
    case 'new':
      return tell(await makeNew(file, copyTo), io)
    case 'show-id':
      return tell(await showIds(file), io)
    case 'rotate':
      if (step === undefined || steps.length > 1)
        return usageError(SPEC.name, 'rotate needs one of --prepare, --activate, --finish', io)
      return tell(await rotate(file, step, copyTo), io)
    default:
      return usageError(SPEC.name, `'${word}' is none of new, rotate, show-id`, io)
  }
}

/** A configuration that does not load must not keep anybody from making a key. */
async function keyFileOf(parsed: Parsed): Promise<string> {
  const given = parsed.values['file']
  if (typeof given === 'string') return given
  const { configDir, node } = parsed.places
  const loaded = await loadConfig({ directory: configDir, node })
  return loaded.ok ? loaded.config.keyFile : DEFAULT_FILE
}

async function makeNew(file: string, copyTo: string | null): Promise<Outcome> {
  if (await pathExists(file)) {
    return {
      ok: false,
      message: `${file} is there already`,
      mend: 'replace the key with "tandem key rotate --prepare", or move the file away first',
    }
  }
  const key = freshKey(1)
  const written = await writeKeys(file, [key], copyTo)
  if (written !== null) return written
  return {
    ok: true,
    lines: [
      `${file}: made key ${nameOf(key)}`,
      `Copy it to the other node, with mode 0600: ${copyHint(file, copyTo)}`,
    ],
  }
}

async function showIds(file: string): Promise<Outcome> {
  const read = await readKeys(file)
  if (!read.ok) return read
  const lines = read.keys.map(
    (key, index) => `${nameOf(key)}  ${index === 0 ? 'signs' : 'accepted'}`,
  )
  return { ok: true, lines }
}

async function rotate(file: string, step: Step, copyTo: string | null): Promise<Outcome> {
  const read = await readKeys(file)
  if (!read.ok) return read
  const [first, second, ...more] = read.keys
  if (first === undefined || more.length > 0) {
    return {
      ok: false,
      message: `${file} holds ${read.keys.length} keys; a rotation knows an old and a new one`,
      mend: 'remove the lines of keys that neither node signs with (tandem key show-id)',
    }
  }
  switch (step) {
    case 'prepare':
      return prepare(file, [first, second], copyTo)
    case 'activate':
      return activate(file, [first, second])
    case 'finish':
      return finish(file, [first, second])
  }
}

type TwoKeys = readonly [first: PairKey, second: PairKey | undefined]

async function prepare(file: string, keys: TwoKeys, copyTo: string | null): Promise<Outcome> {
  const [first, second] = keys
  if (second !== undefined && !isNewerKey(second, first)) {
    return {
      ok: false,
      message: `${file} still holds the old key ${nameOf(second)} of the last rotation`,
      mend: 'end that one first: tandem key rotate --finish',
    }
  }
  const added = second ?? freshKey(nextKeyId([first]))
  const written = await writeKeys(file, [first, added], copyTo)
  if (written !== null) return written
  return {
    ok: true,
    lines: [
      `${file}: key ${nameOf(added)} is ${second === undefined ? 'added' : 'there already'}, accepted and not signing`,
      `1. Copy it to the other node, with mode 0600: ${copyHint(file, copyTo)}`,
      '2. On both nodes: systemctl reload tandemd',
      '3. On both nodes, one after the other: tandem key rotate --activate',
    ],
  }
}

async function activate(file: string, keys: TwoKeys): Promise<Outcome> {
  const [first, second] = keys
  if (second === undefined) {
    return {
      ok: false,
      message: `${file} holds only key ${nameOf(first)}; no new one is prepared`,
      mend: 'begin with: tandem key rotate --prepare',
    }
  }
  const [fresh, old] = isNewerKey(second, first) ? [second, first] : [first, second]
  const written = fresh === first ? null : await writeKeys(file, [fresh, old], null)
  if (written !== null) return written
  return {
    ok: true,
    lines: [
      `${file}: key ${nameOf(fresh)} signs, key ${nameOf(old)} is still accepted`,
      '1. systemctl reload tandemd',
      '2. The same on the other node.',
      '3. Then, on both nodes: tandem key rotate --finish',
    ],
  }
}

async function finish(file: string, keys: TwoKeys): Promise<Outcome> {
  const [first, second] = keys
  if (second !== undefined && isNewerKey(second, first)) {
    return {
      ok: false,
      message: `${file}: the new key ${nameOf(second)} does not sign yet`,
      mend: 'first, on both nodes: tandem key rotate --activate',
    }
  }
  const written = second === undefined ? null : await writeKeys(file, [first], null)
  if (written !== null) return written
  return {
    ok: true,
    lines: [
      `${file}: only key ${nameOf(first)} is left`,
      'systemctl reload tandemd; the same on the other node.',
    ],
  }
}

function freshKey(id: number): PairKey {
  const secret = randomBytes(SECRET_BYTES)
  const key = makeKey(id, secret)
  secret.fill(0)
  return key
}

function nameOf(key: PairKey): string {
  return `${key.id} (${fingerprint(key)})`
}

function copyHint(file: string, copyTo: string | null): string {
  return `scp -p ${copyTo ?? file} root@PEER:${file}`
}

function tell(outcome: Outcome, io: Io): number {
  if (outcome.ok) {
    io.stdout(outcome.lines.map((line) => `${line}\n`).join(''))
    return EXIT.done
  }
  io.stderr(`tandem key: ${outcome.message}\n  mend: ${outcome.mend}\n`)
  return EXIT.refused
}
