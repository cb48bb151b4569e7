/**
 * The smallest platform that carries calls through a pair: what its daemons read.
 *
 * Caller -> floating IP:5060 lb -> 127.0.0.1:5062 proxy -> 127.0.0.1:5060 lb -> callee; media through
 * rtpengine on the floating IP. Record-Route of both hops carries every later request of a call, and is the
 * same on both nodes. Answers whose transaction died with the other node are sent on by the reply routes.
 *
 * @source  Kamailio 5.6 and rtpengine 10.5; measured in the lab
 */

export interface VoipPlaces {
  floatingIp: string
  ourCrosslink: string
  peerCrosslink: string
  /** For sockets and files of the daemons of this node. */
  directory: string
}

export const VOIP_PORTS = {
  lb: 5060,
  proxy: 5062,
  lbRpc: 5064,
  proxyRpc: 5066,
  dmq: 5090,
  ng: 12_222,
  rtpengineCli: 9_900,
  rtpMin: 30_000,
  rtpMax: 40_000,
  sems: 5080,
  semsStatistics: 5040,
  asterisk: 5070,
  asteriskManager: 5038,
} as const

/** All that the lab's platform looks after, in the order of starting. */
export const VOIP_SERVICES = ['rtpengine', 'proxy', 'lb', 'sbc', 'asterisk'] as const
export type VoipService = (typeof VOIP_SERVICES)[number]

/** What the stand-in for SEMS may use: three looks over it, and it is started again. */
export const SBC_MEMORY_MB = 256
const MANAGER_USER = 'tandem'

/** Where a node has the secret of Asterisk's manager. */
export function managerSecretFile({ directory }: VoipPlaces): string {
  return `${directory}/manager.secret`
}

function opening(
  name: string,
  { directory }: VoipPlaces,
  rpcPort: number,
  modules: string[],
): string {
  const common = ['tm', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'kex', 'corex', 'tmx']
  return [
    '#!KAMAILIO',
    'debug=1',
    'log_stderror=yes',
    'fork=yes',
    'children=2',
    'tcp_children=2',
    'auto_aliases=no',
    'ip_free_bind=1',
    `server_header="Server: ${name}"`,
    ...[...common, 'ctl', 'jsonrpcs', ...modules].map((module) => `loadmodule "${module}.so"`),
    `modparam("ctl", "binrpc", "unix:${directory}/${name}.ctl")`,
    'modparam("jsonrpcs", "transport", 6)',
    `modparam("jsonrpcs", "fifo_name", "${directory}/${name}.fifo")`,
    `modparam("jsonrpcs", "dgram_socket", "udp:127.0.0.1:${rpcPort}")`,
    'modparam("rr", "enable_full_lr", 1)',
    'modparam("tm", "fr_timer", 5000)',
    '',
  ].join('\n')
}

/** Begins and ends at the floating IP; keeps no state of calls. */
export function lbConfig(places: VoipPlaces): string {
  const { floatingIp } = places
  return `${opening('lb', places, VOIP_PORTS.lbRpc, [])}
listen=udp:${floatingIp}:${VOIP_PORTS.lb}
listen=tcp:${floatingIp}:${VOIP_PORTS.lb}
listen=udp:127.0.0.1:${VOIP_PORTS.lb}
modparam("rr", "enable_double_rr", 1)

request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("OPTIONS") && !has_totag() && uri == myself && $rU == $null) {
		sl_send_reply("200", "lb alive"); exit;
	}
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
		sl_send_reply("404", "Not here"); exit;
	}
	t_check_trans();
	if ($si == "127.0.0.1") {
		$fs = "udp:${floatingIp}:${VOIP_PORTS.lb}";
		record_route();
		t_relay(); exit;
	}
	$fs = "udp:127.0.0.1:${VOIP_PORTS.lb}";
	if (is_method("INVITE|SUBSCRIBE")) record_route();
	$du = "sip:127.0.0.1:${VOIP_PORTS.proxy}";
	t_relay();
}
# Of an answer whose transaction was the other node's: it must leave from the floating IP.
reply_route {
	if ($si == "127.0.0.1" && !t_check_trans()) $fs = "udp:${floatingIp}:${VOIP_PORTS.lb}";
}
`
}

/** Registrar, and where media is led through rtpengine; registrations are told to the peer. */
export function proxyConfig(places: VoipPlaces): string {
  const { floatingIp, ourCrosslink, peerCrosslink } = places
  const modules = ['usrloc', 'registrar', 'rtpengine', 'dmq', 'dmq_usrloc']
  const media = 'rtpengine_manage("replace-origin replace-session-connection ICE=remove")'
  return `${opening('proxy', places, VOIP_PORTS.proxyRpc, modules)}
listen=udp:127.0.0.1:${VOIP_PORTS.proxy}
listen=udp:${ourCrosslink}:${VOIP_PORTS.dmq}
alias="${floatingIp}"
modparam("usrloc", "db_mode", 0)
modparam("rr", "append_fromtag", 1)
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${VOIP_PORTS.ng}")
modparam("rtpengine", "rtpengine_disable_tout", 1)
modparam("rtpengine", "rtpengine_tout_ms", 500)
modparam("dmq", "server_address", "sip:${ourCrosslink}:${VOIP_PORTS.dmq}")
modparam("dmq", "notification_address", "sip:${peerCrosslink}:${VOIP_PORTS.dmq}")
modparam("dmq", "num_workers", 1)
modparam("dmq", "ping_interval", 15)
modparam("dmq_usrloc", "enable", 1)
modparam("dmq_usrloc", "sync", 1)

request_route {
	if ($rm == "KDMQ") { dmq_handle_message(); exit; }
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("OPTIONS") && !has_totag() && $rU == $null) { sl_send_reply("200", "proxy alive"); exit; }
	if (is_method("CANCEL")) { rtpengine_delete(); if (t_check_trans()) t_relay(); exit; }
	if (has_totag()) {
		if (loose_route()) {
			if (is_method("BYE")) rtpengine_delete();
			else if (is_method("INVITE|UPDATE")) { ${media}; t_on_reply("MEDIA"); }
			t_relay(); exit;
		}
		if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
		sl_send_reply("404", "Not here"); exit;
	}
	t_check_trans();
	if (is_method("REGISTER")) { save("location"); exit; }
	if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
	if (!lookup("location")) { sl_send_reply("404", "Not registered"); exit; }
	record_route();
	${media};
	t_on_reply("MEDIA");
	$du = "sip:127.0.0.1:${VOIP_PORTS.lb}";
	t_relay();
}
onreply_route[MEDIA] {
	if (has_body("application/sdp")) ${media};
}
# The answer to an INVITE that the other node sent on.
reply_route {
	if (is_method("INVITE") && has_body("application/sdp") && !t_check_trans()) ${media};
}
`
}

/** Without `redis-write` it would not start beside a Redis that follows. */
export function rtpengineConfig({ floatingIp, directory }: VoipPlaces): string {
  return [
    '[rtpengine]',
    'table = -1',
    `interface = ${floatingIp}`,
    `listen-ng = 127.0.0.1:${VOIP_PORTS.ng}`,
    `listen-cli = 127.0.0.1:${VOIP_PORTS.rtpengineCli}`,
    `port-min = ${VOIP_PORTS.rtpMin}`,
    `port-max = ${VOIP_PORTS.rtpMax}`,
    'timeout = 60',
    'silent-timeout = 3600',
    'delete-delay = 1',
    'redis = 127.0.0.1:6379/1',
    'redis-write = 127.0.0.1:6379/1',
    'subscribe-keyspace = 1',
    'redis-cmd-timeout = 500',
    'redis-connect-timeout = 500',
    'no-redis-required = true',
    `pidfile = ${directory}/rtpengine.pid`,
    'log-stderr = true',
    'log-level = 4',
    'foreground = true',
    'num-threads = 2',
    '',
  ].join('\n')
}

/** How a program of the lab is run that stands in for one that Debian has not. */
export type StandIn = (name: 'sems' | 'asterisk') => readonly string[]

/** Lines of `tandem.services` for them, below that key. */
export function voipServiceLines(
  places: VoipPlaces,
  mode: 'always' | 'active',
  standIn: StandIn,
): string[] {
  const { directory } = places
  const { ng, rtpengineCli, proxy, lb, sems, semsStatistics, asterisk, asteriskManager } =
    VOIP_PORTS
  const local = (port: number): string => `127.0.0.1:${port}`
  const kamailio = (name: string): string =>
    `[/usr/sbin/kamailio, -DD, -E, -m, "32", -M, "4", -f, ${directory}/${name}.cfg, -Y, ${directory}]`
  const program = (name: 'sems' | 'asterisk', ...words: (string | number)[]): string =>
    `[${[...standIn(name), '127.0.0.1', ...words].map((word) => `"${word}"`).join(', ')}]`
  const common = [`log_file: ${directory}/NAME.log`, `mode: ${mode}`, 'stop_limit_ms: 3000']
  const service = (name: VoipService, lines: readonly string[]): string[] => [
    `${name}:`,
    ...[...common, ...lines].map((line) => `  ${line.replace('NAME', name)}`),
  ]
  const secretFile = managerSecretFile(places)
  return [
    ...service('rtpengine', [
      `command: [/usr/bin/rtpengine, --config-file=${directory}/rtpengine.conf]`,
      `checks: [ng ${local(ng)} offer, process]`,
      'reads: redis',
      `on_active: rtpengine ${local(rtpengineCli)} active`,
      `on_standby: rtpengine ${local(rtpengineCli)} standby`,
    ]),
    ...service('proxy', [
      `command: ${kamailio('proxy')}`,
      'after: rtpengine',
      `checks: ['sip udp:${local(proxy)}', process]`,
    ]),
    ...service('lb', [
      `command: ${kamailio('lb')}`,
      'after: proxy',
      `checks: ['sip udp:${local(lb)}', process]`,
    ]),
    ...service('sbc', [
      `command: ${program('sems', sems, semsStatistics)}`,
      'after: lb',
      `checks: ['sip udp:${local(sems)}', 'sems ${local(semsStatistics)}', process, usage memory ${SBC_MEMORY_MB} MB]`,
    ]),
    ...service('asterisk', [
      `command: ${program('asterisk', asterisk, asteriskManager, MANAGER_USER, secretFile)}`,
      'after: lb',
      `checks: ['sip udp:${local(asterisk)}', 'ami ${local(asteriskManager)} ${MANAGER_USER} ${secretFile}', process]`,
    ]),
  ]
}
