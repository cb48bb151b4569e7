/**
 * Who is told of alarms, and how?
 *
 * `tandem.alarms` has one section per way: mail, webhook, command. Mail alone is on by itself, to the
 * platform's own address of its administrator (`general.adminmail`), where that was filled in; `mail: no`
 * ends that. Secrets stand in files of their own, which are read when something is sent, never here.
 */
import { isIP } from 'node:net'
import type { AlarmChannel, AlarmsConfig, MailWay } from './config.ts'
import type { Findings } from './finding.ts'
import { knownKeys } from './known-keys.ts'
import { readChoice, readInteger, readPath, readText, readTexts } from './scalar.ts'
import { child, isEmpty, type MapTree, type Tree } from './tree.ts'

const KEYS = ['mail', 'webhook', 'command', 'remind_hours'] as const
const SMTP_KEYS = ['smtp', 'port', 'tls', 'ca_file', 'user', 'password_file'] as const
const MAIL_KEYS = ['to', 'from', 'sendmail', ...SMTP_KEYS] as const
const WEBHOOK_KEYS = ['url', 'token_file', 'ca_file'] as const

const SENDMAIL = '/usr/sbin/sendmail'
const PORTS = { min: 1, max: 65_535 }
/** RFC 8314 for the first, RFC 6409 for the second, RFC 5321 for the last. */
const DEFAULT_PORT = { tls: 465, starttls: 587, none: 25 } as const
const HOUR_MS = 3_600_000
/** A reminder is at most daily. */
const REMIND_HOURS = { min: 24, max: 24 * 365 }
const DEFAULT_REMIND_HOURS = 24
/** One address, nothing that a mail program could take for an option or a second header. */
const ADDRESS = /^[A-Za-z0-9._+][A-Za-z0-9._+=-]*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** What the platform ships, to be filled in (RFC 2606). */
const PLACEHOLDER = /[@.]example\.(org|com|net)$/i

/** @param adminMail  the platform's own `general.adminmail` */
export function readAlarms(
  tree: Tree | undefined,
  adminMail: Tree | undefined,
  findings: Findings,
): AlarmsConfig {
  if (tree !== undefined && tree.kind !== 'map' && !isEmpty(tree)) {
    findings.error(tree, 'is not a section', 'write the ways below it, as "mail: {to: noc@…}"')
  }
  const given = tree === undefined ? undefined : knownKeys(tree, KEYS, findings)
  const hours = readInteger(
    child(given, 'remind_hours'),
    { ...REMIND_HOURS, unit: 'hours' },
    findings,
  )
  const channels = [
    readMail(child(given, 'mail'), adminOf(adminMail), findings),
    readWebhook(child(given, 'webhook'), findings),
    readCommand(child(given, 'command'), findings),
  ]
  return {
    channels: channels.filter((channel) => channel !== null),
    remindAfterMs: (hours ?? DEFAULT_REMIND_HOURS) * HOUR_MS,
  }
}

/** Null where the platform's administrator did not fill it in. It is the platform's key: no mistake. */
function adminOf(tree: Tree | undefined): string | null {
  if (tree?.kind !== 'scalar' || tree.isNull) return null
  const address = tree.text.trim()
  return ADDRESS.test(address) && !PLACEHOLDER.test(address) ? address : null
}

function readMail(
  tree: Tree | undefined,
  admin: string | null,
  findings: Findings,
): AlarmChannel | null {
  if (tree?.kind === 'scalar' && /^(no|off|false)$/i.test(tree.text.trim())) return null
  const wanted = tree !== undefined && !isEmpty(tree)
  if (wanted && tree.kind !== 'map') {
    findings.error(tree, 'is neither a section nor no', 'write "mail: {to: noc@…}", or "mail: no"')
    return null
  }
  const given = tree === undefined ? undefined : knownKeys(tree, MAIL_KEYS, findings)
  const told = readAddresses(child(given, 'to'), findings)
  const to = told.length > 0 ? told : admin === null ? [] : [admin]
  if (to.length === 0) {
    if (wanted && isEmpty(child(given, 'to'))) {
      const why = 'does not say whom to write to, and general.adminmail names nobody either'
      findings.error(tree, why, 'add "to: ADDRESS"')
    }
    return null
  }
  const from = readAddresses(child(given, 'from'), findings)
  return { kind: 'mail', to, from: from[0] ?? null, way: readWay(given, findings) }
}

function readAddresses(tree: Tree | undefined, findings: Findings): string[] {
  return readTexts(tree, findings).flatMap((told) => {
    if (ADDRESS.test(told.text)) return [told.text]
    findings.error(told, 'is not a mail address', 'write it as noc@example.net, without a name')
    return []
  })
}

function readWay(given: MapTree | undefined, findings: Findings): MailWay {
  const program = readPath(child(given, 'sendmail'), findings)
  const smtp = readText(child(given, 'smtp'), findings)
  if (smtp === null) {
    for (const key of SMTP_KEYS) {
      const value = child(given, key)
      if (value !== undefined && key !== 'smtp') {
        findings.error(
          value,
          'means nothing without a mail server',
          'add "smtp: HOST", or remove it',
        )
      }
    }
    return { via: 'sendmail', program: program ?? SENDMAIL }
  }
  if (program !== null) {
    findings.error(smtp, 'stands beside sendmail', 'keep one of smtp and sendmail')
  }
  if (!isHost(smtp.text)) {
    findings.error(smtp, 'is neither an address nor a host name', 'write it as mail.example.net')
  }
  const tls = readChoice(child(given, 'tls'), ['none', 'starttls', 'tls'] as const, findings)
  const user = readText(child(given, 'user'), findings)
  const passwordFile = readPath(child(given, 'password_file'), findings)
  if (user !== null && passwordFile === null) {
    findings.error(user, 'has no password', 'add password_file, or remove user')
  }
  const security = tls ?? 'starttls'
  if (user !== null && security === 'none') {
    findings.error(
      user,
      'would send its password readable by all',
      'write "tls: starttls" or "tls"',
    )
  }
  return {
    via: 'smtp',
    host: smtp.text,
    port: readInteger(child(given, 'port'), PORTS, findings) ?? DEFAULT_PORT[security],
    tls: security,
    caFile: readPath(child(given, 'ca_file'), findings),
    user: user?.text ?? null,
    passwordFile,
  }
}

function readWebhook(tree: Tree | undefined, findings: Findings): AlarmChannel | null {
  if (tree === undefined || isEmpty(tree)) return null
  if (tree.kind !== 'map') {
    findings.error(tree.place, 'is not a section', 'write "webhook: {url: https://…}"')
    return null
  }
  const given = knownKeys(tree, WEBHOOK_KEYS, findings)
  const told = readText(child(given, 'url'), findings)
  const tokenFile = readPath(child(given, 'token_file'), findings)
  const caFile = readPath(child(given, 'ca_file'), findings)
  if (told === null) {
    findings.error(tree, 'does not say where to', 'add "url: https://…"')
    return null
  }
  const url = URL.canParse(told.text) ? new URL(told.text) : null
  const web = url !== null && ['http:', 'https:'].includes(url.protocol)
  // Its value may hold a secret: only the place is told.
  if (!web) findings.error(told.place, 'is no http or https address', 'write it as https://…')
  else if (url.username !== '' || url.password !== '') {
    findings.error(
      told.place,
      'holds a password',
      'put a token into a file, and name it as token_file',
    )
  } else if (
    url.protocol === 'http:' &&
    tokenFile !== null &&
    !/^(127\.|\[::1\]|localhost$)/.test(url.hostname)
  ) {
    findings.error(told.place, 'would send the token readable by all', 'use https')
  } else return { kind: 'webhook', url: told.text, tokenFile, caFile }
  return null
}

function readCommand(tree: Tree | undefined, findings: Findings): AlarmChannel | null {
  const words = readTexts(tree, findings)
  const [program] = words
  if (program === undefined) return null
  if (program.text.startsWith('/')) return { kind: 'command', argv: words.map(({ text }) => text) }
  findings.error(
    program,
    'is not an absolute path',
    'write the program from the root, as /usr/local/bin/…',
  )
  return null
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)
}
