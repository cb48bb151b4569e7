/**
 * What is to be said to a service when the role of its node changes? One written line each.
 *
 *     rtpengine 127.0.0.1:9900 active
 *     jsonrpc 127.0.0.1:5064 dispatcher.set_state ip 1 sip:10.0.0.5:5060
 *     freeswitch 127.0.0.1:8021 recover
 *     freeswitch 127.0.0.1:8021 /etc/tandem/freeswitch.password recover internal external
 *     run /usr/local/sbin/tell-the-switch up
 *
 * Commands are given without a shell: words, apart by blanks.
 */
import { place, placeText } from './check-place.ts'
import { nearMiss } from './near-miss.ts'

export type HookConfig =
  | { kind: 'rtpengine'; address: string; port: number; command: 'active' | 'standby' }
  | { kind: 'jsonrpc'; address: string; port: number; method: string; params: readonly string[] }
  /** Over its event socket. `recover`: calls out of its database, of all profiles when none is named. */
  | {
      kind: 'freeswitch'
      address: string
      port: number
      passwordFile: string
      command: 'recover' | 'status'
      profiles: readonly string[]
    }
  | { kind: 'run'; argv: readonly string[] }

export type HookRead =
  | { ok: true; hook: HookConfig }
  /** `secret`: what was written may hold a password and is not to be repeated. */
  | { ok: false; why: string; mend: string; secret?: true }

const KINDS = ['rtpengine', 'jsonrpc', 'freeswitch', 'run'] as const
const FREESWITCH_PASSWORD_FILE = '/etc/tandem/freeswitch.password'

export function parseHook(text: string): HookRead {
  const [kind = '', ...words] = text.trim().split(/\s+/)
  switch (kind) {
    case 'rtpengine':
      return readRtpengine(words)
    case 'jsonrpc':
      return readRpc(words)
    case 'freeswitch':
      return readFreeswitch(words)
    case 'run':
      return readRun(words)
    default: {
      const meant = nearMiss(kind, KINDS)
      const mend =
        meant === null ? `begin with one of ${KINDS.join(', ')}` : `did you mean ${meant}?`
      return { ok: false, why: 'is not a hook', mend }
    }
  }
}

/** As it is written; read again it is the same. */
export function hookText(hook: HookConfig): string {
  if (hook.kind === 'run') return ['run', ...hook.argv].join(' ')
  if (hook.kind === 'freeswitch') {
    const { passwordFile, command, profiles } = hook
    return ['freeswitch', placeText(hook), passwordFile, command, ...profiles].join(' ')
  }
  const rest = hook.kind === 'rtpengine' ? [hook.command] : [hook.method, ...hook.params]
  return [hook.kind, placeText(hook), ...rest].join(' ')
}

function readRtpengine([where = '', command, ...more]: string[]): HookRead {
  const at = place(where)
  if (at.ok && (command === 'active' || command === 'standby') && more.length === 0) {
    return { ok: true, hook: { kind: 'rtpengine', address: at.address, port: at.port, command } }
  }
  return {
    ok: false,
    why: 'is not a hook for rtpengine',
    mend: 'write the place of its command line and the word, as "rtpengine 127.0.0.1:9900 active"',
  }
}

function readRpc([where = '', method, ...params]: string[]): HookRead {
  const at = place(where)
  if (at.ok && method !== undefined && /^[\w.]+$/.test(method)) {
    return {
      ok: true,
      hook: { kind: 'jsonrpc', address: at.address, port: at.port, method, params },
    }
  }
  return {
    ok: false,
    why: 'is not a hook for Kamailio',
    mend: 'write place, method and parameters, as "jsonrpc 127.0.0.1:5064 dispatcher.set_state ip 1 sip:10.0.0.5"',
  }
}

/** Nothing behind the place is repeated: whoever errs here may have written the password itself. */
function readFreeswitch([where = '', ...words]: string[]): HookRead {
  const at = place(where)
  const [first = ''] = words
  const told = first.startsWith('/')
  const [command, ...profiles] = told ? words.slice(1) : words
  const named = profiles.every((profile) => /^[\w.-]{1,64}$/.test(profile))
  const known = command === 'recover' || (command === 'status' && profiles.length === 0)
  if (at.ok && known && named) {
    const { address, port } = at
    const passwordFile = told ? first : FREESWITCH_PASSWORD_FILE
    return {
      ok: true,
      hook: { kind: 'freeswitch', address, port, passwordFile, command, profiles },
    }
  }
  return {
    ok: false,
    why: 'is not a hook for FreeSWITCH',
    mend:
      'write place, password file and word, as ' +
      `"freeswitch 127.0.0.1:8021 ${FREESWITCH_PASSWORD_FILE} recover"; never the password itself`,
    secret: true,
  }
}

function readRun(argv: string[]): HookRead {
  if (argv[0]?.startsWith('/') === true) return { ok: true, hook: { kind: 'run', argv } }
  const mend = 'write the program from the root, as "run /usr/local/sbin/on-active"'
  return { ok: false, why: 'is not a hook', mend }
}
