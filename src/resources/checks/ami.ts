/**
 * Does Asterisk's manager let us in and answer?
 *
 * Login, Ping, Logoff over one connection. The secret is read from its file at each run, so that a
 * changed one is used at once, and is never part of what a run says, also where the server repeats it.
 *
 * @source Asterisk, Manager API: blocks of `Key: Value` lines, answers carry the ActionID of the question
 */
import { randomBytes } from 'node:crypto'
import { placeText } from '../../config/check-place.ts'
import { type CheckConfig, checkText } from '../../config/check-text.ts'
import { readPassword } from '../../system/password.ts'
import { openTcp, type TcpLine } from '../../system/tcp-ask.ts'
import type { Check } from './check.ts'
import { probe, type Run } from './probe.ts'
import { nothing, quote } from './words.ts'

type AmiConfig = CheckConfig & { kind: 'ami' }

/** Events may stand before an answer, and they are long at most. */
const BLOCKS_MAX_BYTES = 256 * 1024
/** The goodbye is a courtesy: it is not waited for longer. */
const GOODBYE_MS = 100

/** Makes the probe. */
export function amiCheck(config: AmiConfig): Check {
  return probe({ label: checkText(config), ask: (run) => ask(config, run) })
}

async function ask(config: AmiConfig, run: Run): Promise<string | null> {
  const target = `Asterisk manager at ${placeText(config)} as ${config.user}`
  const secret = await readPassword(config.secretFile)
  if (!secret.ok) return `${target}: the secret could not be read: ${secret.message}`
  if (secret.password === '') return `${target}: ${config.secretFile} is empty`
  // A second line would be a command of its own.
  if (/[\r\n\0]/.test(secret.password)) return `${target}: ${config.secretFile} has several lines`
  const opened = await openTcp({ ...config, signal: run.signal })
  if (!opened.ok) return `${target}: expected a connection, ${nothing(opened, config, run.limitMs)}`
  try {
    const talk = { line: opened.line, config, run, secret: secret.password }
    const login = await action(talk, 'Login', [
      `Username: ${config.user}`,
      `Secret: ${secret.password}`,
      'Events: off',
    ])
    if (!login.ok) return `${target}: expected Login to succeed, ${login.came}`
    const ping = await action(talk, 'Ping', [])
    await goodbye(talk)
    return ping.ok ? null : `${target}: expected Ping to be answered, ${ping.came}`
  } finally {
    opened.line.close()
  }
}

interface Talk {
  line: TcpLine
  config: AmiConfig
  run: Run
  secret: string
}

/** One action and its answer. */
async function action(
  { line, config, run, secret }: Talk,
  name: 'Login' | 'Ping',
  fields: readonly string[],
): Promise<{ ok: true } | { ok: false; came: string }> {
  const id = randomBytes(8).toString('hex')
  line.write(`${[`Action: ${name}`, `ActionID: ${id}`, ...fields].join('\r\n')}\r\n\r\n`)
  const answer = await line.read((heard) => answerWithId(heard, id), BLOCKS_MAX_BYTES)
  if (!answer.ok) {
    // Not quoted: half of the secret, repeated to us, could not be told from other text.
    const rest = answer.rest.length === 0 ? '' : ` (${answer.rest.length} bytes that are none)`
    return { ok: false, came: `${nothing(answer, config, run.limitMs)}${rest}` }
  }
  const response = answer.value.get('response')?.toLowerCase()
  // Before 1.6 the answer to a Ping is called Pong.
  if (response === 'success' || (name === 'Ping' && response === 'pong')) return { ok: true }
  const text = answer.value.get('message') ?? answer.value.get('response') ?? ''
  return { ok: false, came: `came ${hide(text, secret)}` }
}

/** Lets the server end the session, instead of finding it cut. */
async function goodbye({ line, run }: Talk): Promise<void> {
  line.write('Action: Logoff\r\n\r\n', true)
  const waited = new Promise<void>((resolve) => {
    setTimeout(resolve, Math.min(GOODBYE_MS, run.leftMs()))
  })
  await Promise.race([
    line.read((_heard, ended) => (ended ? done : null), BLOCKS_MAX_BYTES),
    waited,
  ])
}

const done = { value: true, used: 0 }

/** The block with our ActionID; blocks before it are events or somebody else's. */
function answerWithId(
  heard: Buffer,
  id: string,
): { value: ReadonlyMap<string, string>; used: number } | null {
  let from = 0
  for (;;) {
    const end = heard.indexOf('\r\n\r\n', from)
    if (end < 0) return null
    const fields = new Map<string, string>()
    for (const row of heard.subarray(from, end).toString('utf8').split('\r\n')) {
      const colon = row.indexOf(':')
      if (colon > 0)
        fields.set(row.slice(0, colon).trim().toLowerCase(), row.slice(colon + 1).trim())
    }
    from = end + 4
    if (fields.get('actionid') === id && fields.has('response'))
      return { value: fields, used: from }
  }
}

/** Without the secret, whatever the server made of it. */
function hide(text: string, secret: string): string {
  return quote(text.replaceAll(secret, '(the secret)'))
}
