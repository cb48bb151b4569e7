/**
 * A real Kamailio with digest authentication and record-routing, and real SIPp callees, on loopback addresses
 * of their own. Every process leads a session of its own and is ended by its id.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'

export const PROXY = '127.83.0.1'
export const CALLEE = '127.83.0.2'
export const PORT = 25_060
export const TLS_PORT = 25_061
export const SIPP_PORT = 25_070
export const PASSWORD = 'right'

/** Where Debian puts them on this machine's architecture; null when they are not installed. */
function modules(): string | null {
  const places = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/kamailio/modules`)
  return places.find((path) => existsSync(join(path, 'tls.so'))) ?? null
}

/** @returns what keeps the tests from running; null when nothing does */
export function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['kamailio', 'sipp', 'openssl']) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `no ${program}`
  }
  return modules() === null ? 'no kamailio-tls-modules' : null
}

/** Users `oneway...` get an answer whose SDP names a port where nobody is, as a broken relay would. */
function configuration(directory: string): string {
  const load = [
    'tm',
    'sl',
    'rr',
    'pv',
    'maxfwd',
    'textops',
    'siputils',
    'usrloc',
    'registrar',
    'auth',
    'tls',
  ]
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
enable_tls=yes
listen=udp:${PROXY}:${PORT}
listen=tcp:${PROXY}:${PORT}
listen=tls:${PROXY}:${TLS_PORT}
mpath="${modules()}/"
${load.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "private_key", "${directory}/key")
modparam("tls", "certificate", "${directory}/cert")
modparam("registrar", "method_filtering", 0)
modparam("tm", "fr_timer", 5000)
modparam("rr", "enable_full_lr", 1)

request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "alive"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here"); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("$td", "${PASSWORD}", "0")) { www_challenge("$td", "1"); exit; }
    save("location");
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  if (!pv_proxy_authenticate("$fd", "${PASSWORD}", "0")) { proxy_challenge("$fd", "1"); exit; }
  consume_credentials();
  record_route();
  if ($rU =~ "^oneway") t_on_reply("SPOIL");
  if ($rU =~ "^sipp") $du = "sip:${CALLEE}:${SIPP_PORT}";
  else if (!lookup("location")) { sl_send_reply("404", "Not registered"); exit; }
  t_relay();
}

onreply_route[SPOIL] {
  if (has_body("application/sdp")) replace_body_all("m=audio [0-9]+", "m=audio 9");
}
`
}

export interface Platform {
  /** Path of the certificate that Kamailio shows, good for its address. */
  caFile: string
  directory: string
  /** Stops or continues every process of Kamailio. */
  signal: (name: NodeJS.Signals) => void
  /** Ends it, and waits until it is gone. */
  close: () => Promise<void>
}

export async function startPlatform(): Promise<Platform> {
  const directory = mkdtempSync(join(tmpdir(), 'tsip-'))
  const { key, cert } = makeCertificate(`IP:${PROXY}`)
  writeFileSync(join(directory, 'key'), key, { mode: 0o600 })
  const caFile = join(directory, 'cert')
  writeFileSync(caFile, cert)
  mkdirSync(join(directory, 'run'))
  const file = join(directory, 'kamailio.cfg')
  writeFileSync(file, configuration(directory))
  const child = begin('kamailio', ['-DD', '-E', '-f', file, '-Y', join(directory, 'run')])
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await end(child)
    rmSync(directory, { recursive: true, force: true })
  }
  return { caFile, directory, signal: (name) => signalAll(child, name), close }
}

/** SIPp as a callee, by one of the scenarios below; audio that comes is sent back. */
export function startSipp(directory: string, scenario: string): Callee {
  const file = join(directory, 'scenario.xml')
  writeFileSync(file, scenario)
  const where = ['-i', CALLEE, '-p', String(SIPP_PORT), '-mi', CALLEE, '-mp', '26000']
  const child = begin('sipp', ['-sf', file, ...where, '-nostdin', '-rtp_echo'], directory)
  return { close: () => end(child) }
}

export interface Callee {
  close: () => Promise<void>
}

/** What SIPp repeats of the request it answers. */
const REPEATED = `[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]`

const PLAIN_OK = `<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>`

/** Keeps both Via headers of the INVITE: a CANCEL has only the proxy's. */
const RINGS = `<recv request="INVITE"><action>
<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="1"/>
<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" assign_to="2"/>
</action></recv>
<Reference variables="1,2"/>
<send><![CDATA[
SIP/2.0 180 Ringing
${REPEATED}
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Length: 0

]]></send>`

const HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>'

/** Unlike SIPp's own scenario it repeats Record-Route, so that the BYE comes by the proxy. */
export const ANSWERING = `${HEAD}
<scenario name="answers">
${RINGS}
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
${REPEATED}
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0

]]></send>
<recv request="ACK"/>
<recv request="BYE"/>
${PLAIN_OK}
</scenario>
`

/** Rings until it is cancelled. The INVITE is the second one, because the first gets 407 of the proxy. */
export const RINGING = `${HEAD}
<scenario name="rings">
${RINGS}
<recv request="CANCEL"/>
${PLAIN_OK}
<send retrans="500"><![CDATA[
SIP/2.0 487 Request Terminated
Via:[$1]
Via:[$2]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
CSeq: 2 INVITE
Content-Length: 0

]]></send>
<recv request="ACK"/>
</scenario>
`

function begin(program: string, args: string[], cwd?: string): ChildProcess {
  return spawn(program, args, {
    detached: true,
    stdio: 'ignore',
    ...(cwd === undefined ? {} : { cwd }),
  })
}

function signalAll(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, name)
  } catch {
    // Its group is gone.
  }
}

/** SIGTERM to the first process, which ends and collects its children; after two seconds SIGKILL to all. */
async function end(child: ChildProcess): Promise<void> {
  const over = child.exitCode !== null || child.signalCode !== null
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  signalAll(child, 'SIGCONT')
  child.kill('SIGTERM')
  const timer = setTimeout(() => signalAll(child, 'SIGKILL'), 2_000)
  if (!over) await gone
  clearTimeout(timer)
  signalAll(child, 'SIGKILL')
  const limitMs = performance.now() + 5_000
  while (groupLives(child.pid ?? 0)) {
    if (performance.now() > limitMs) throw new Error('processes were left behind')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whether any process of that group is more than a zombie. */
function groupLives(group: number): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')
        return fields[0] !== 'Z' && Number(fields[2]) === group
      } catch {
        return false
      }
    })
}
