/**
 * How does a notice get through one channel? Reads its secrets when it is sent, so that a changed password
 * file counts at once.
 *
 * Runs in a process of its own (`notice-sender.ts`), or in the command of an operator; never in the agent.
 */
import type { AlarmChannel, MailWay } from '../config/config.ts'
import { type Notice, noticeText } from '../control/notice.ts'
import { run } from '../system/exec.ts'
import { readWholeFile } from '../system/file.ts'
import { postJson } from '../system/http-post.ts'
import { type MailResult, mailByProgram, mailBySmtp } from '../system/mail.ts'
import { readPassword } from '../system/password.ts'
import type { Delivery } from './notice-process.ts'

const CERTIFICATES_MAX_BYTES = 256 * 1024

/** Never rejects; comes back within the limit or little more. */
export async function deliver(
  channel: AlarmChannel,
  notice: Notice,
  limitMs: number,
): Promise<Delivery> {
  switch (channel.kind) {
    case 'mail':
      return mail(channel, notice, limitMs)
    case 'webhook': {
      const secrets = await secretsOf(channel.tokenFile, channel.caFile)
      if (!secrets.ok) return secrets
      const { secret: token, ca } = secrets
      return postJson({ url: channel.url, token, ca, body: JSON.stringify(notice), limitMs })
    }
    case 'command': {
      const [command = '', ...args] = channel.argv
      const input = `${JSON.stringify(notice)}\n`
      const ended = await run({ label: 'tell of alarms', command, args, timeoutMs: limitMs, input })
      if (!ended.ok) return { ok: false, why: ended.message }
      return { ok: true, answer: `${command} ended with 0` }
    }
  }
}

async function mail(
  { to, from, way }: Extract<AlarmChannel, { kind: 'mail' }>,
  notice: Notice,
  limitMs: number,
): Promise<MailResult> {
  // As the platform's own mails: from an address that certainly exists and may be answered.
  const letter = {
    from: from ?? to[0] ?? '',
    to,
    subject: notice.subject,
    text: noticeText(notice),
  }
  if (way.via === 'sendmail') return mailByProgram(letter, way.program, limitMs)
  const secrets = await secretsOf(way.passwordFile, way.caFile)
  if (!secrets.ok) return secrets
  const { host, port, tls } = way
  const login = loginOf(way, secrets.secret)
  return mailBySmtp(letter, { host, port, tls, ca: secrets.ca, login }, limitMs)
}

function loginOf(
  { user }: Extract<MailWay, { via: 'smtp' }>,
  password: string | null,
): { user: string; password: string } | null {
  return user === null || password === null ? null : { user, password }
}

type Secrets = { ok: true; secret: string | null; ca: string | null } | { ok: false; why: string }

async function secretsOf(secretFile: string | null, caFile: string | null): Promise<Secrets> {
  let secret: string | null = null
  if (secretFile !== null) {
    const read = await readPassword(secretFile)
    if (!read.ok) return { ok: false, why: read.message }
    secret = read.password
  }
  if (caFile === null) return { ok: true, secret, ca: null }
  const read = await readWholeFile(caFile, { maxBytes: CERTIFICATES_MAX_BYTES })
  if (!read.ok) return { ok: false, why: read.message }
  return { ok: true, secret, ca: read.bytes.toString('utf8') }
}
