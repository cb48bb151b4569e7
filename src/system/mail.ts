/**
 * How does a mail leave this machine?
 *
 * The one door to nodemailer: it writes the mail down (MIME, line ends, encodings) and speaks SMTP. The local
 * mail program is started like any other program, with a time limit. Whoever calls is a process of its own:
 * looking up a name may hang in the system's resolver for longer than any limit given here.
 */
import { createTransport } from 'nodemailer'
import { run } from './exec.ts'

export interface Mail {
  from: string
  to: readonly string[]
  subject: string
  /** Plain text. */
  text: string
}

/** A mail server, and how to speak with it. */
export interface MailServer {
  host: string
  port: number
  tls: 'none' | 'starttls' | 'tls'
  /** PEM; null: as the system trusts. */
  ca: string | null
  login: { user: string; password: string } | null
}

export type MailResult = { ok: true; answer: string } | { ok: false; why: string }

/** Hands the mail to a server. Never rejects. */
export async function mailBySmtp(
  mail: Mail,
  server: MailServer,
  limitMs: number,
): Promise<MailResult> {
  const { host, port, tls, ca, login } = server
  const transport = createTransport({
    host,
    port,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password } }),
    tls: { minVersion: 'TLSv1.2', ...(ca === null ? {} : { ca }) },
    dnsTimeout: limitMs,
    connectionTimeout: limitMs,
    greetingTimeout: limitMs,
    socketTimeout: limitMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    const sent = await Promise.race([transport.sendMail(messageOf(mail)), late])
    // A server that took it for some of the addresses only has not done what was asked.
    const refused = sent.rejected.map(String).join(', ')
    if (refused !== '') return { ok: false, why: `${host} port ${port} refused ${refused}` }
    return { ok: true, answer: `${host} port ${port} took it: ${oneLine(sent.response)}` }
  } catch (cause) {
    return { ok: false, why: `${host} port ${port}: ${oneLine((cause as Error).message)}` }
  } finally {
    clearTimeout(timer)
    transport.close()
  }
}

/** Hands the mail to the mail program of this machine. Never rejects. */
export async function mailByProgram(
  mail: Mail,
  program: string,
  limitMs: number,
): Promise<MailResult> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  const { message } = await composer.sendMail(messageOf(mail))
  const ended = await run({
    label: 'send a mail',
    command: program,
    // A line with nothing but a dot ends no mail; recipients are named and not searched for in the text.
    args: ['-i', '-f', mail.from, '--', ...mail.to],
    timeoutMs: limitMs,
    input: message.toString(),
  })
  if (!ended.ok) return { ok: false, why: oneLine(ended.message) }
  return { ok: true, answer: `${program} took it` }
}

function messageOf({ from, to, subject, text }: Mail) {
  const headers = { 'Auto-Submitted': 'auto-generated' }
  return { from: { name: 'Tandem', address: from }, to: [...to], subject, text, headers }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)
}
