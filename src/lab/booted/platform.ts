/**
 * What does a host of the platform have before Tandem comes? Kamailio as lb and proxy, rtpengine, Redis and
 * MariaDB, from Debian's packages and run by Debian's units, with the configuration of the lab's platform.
 *
 * Debian has one unit for one Kamailio; the second is a copy of it under another name, as platforms have. What
 * Tandem is to start is disabled and does not restart by itself. Stores are left as Debian installs them: the
 * playbook sets them up.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { floatingIpOf, type LabNodeName, type LabPlan, otherNode } from '../plan.ts'
import {
  lbConfig,
  proxyConfig,
  rtpengineConfig,
  VOIP_PORTS,
  type VoipPlaces,
} from '../voip-config.ts'
import { writeOnDisk } from './disk.ts'

const UNITS = '/usr/lib/systemd/system'
const OWN_UNITS = '/etc/systemd/system'
/** Files of passwords on the nodes. */
const SECRETS = [
  'redis.password',
  'redis-replica.password',
  'mariadb.password',
  'mariadb-replication.password',
  'mariadb-undo.password',
] as const
const SECRET_BYTES = 24

/** Everything but the stores' settings, on the disk of a node that is off. */
export function installPlatform(
  plan: LabPlan,
  { name, root }: { name: LabNodeName; root: string },
): void {
  const places = (directory: string): VoipPlaces => ({
    ...{ floatingIp: floatingIpOf(plan), directory },
    ourCrosslink: plan.crosslink[name].ipv4,
    peerCrosslink: plan.crosslink[otherNode(name)].ipv4,
  })
  writeOnDisk(root, '/etc/kamailio/lb.cfg', lbConfig(places('/run/kamailio')))
  writeOnDisk(root, '/etc/kamailio/proxy.cfg', proxyConfig(places('/run/kamailio-proxy')))
  writeOnDisk(root, '/etc/rtpengine/rtpengine.conf', rtpengineConfig(places('/run/rtpengine')))
  writeOnDisk(root, '/etc/default/kamailio', 'CFGFILE=/etc/kamailio/lb.cfg\nSHM_MEMORY=32\n')
  const kamailio = readFileSync(join(root, UNITS, 'kamailio.service'), 'utf8')
  const proxy = kamailio
    .replaceAll('/run/kamailio/', '/run/kamailio-proxy/')
    .replaceAll('RuntimeDirectory=kamailio', 'RuntimeDirectory=kamailio-proxy')
    .replaceAll('/etc/kamailio/kamailio.cfg', '/etc/kamailio/proxy.cfg')
    .replaceAll('/etc/default/kamailio', '/etc/default/kamailio-proxy')
    .replace('-M $PKG_MEMORY', '-M $PKG_MEMORY -Y /run/kamailio-proxy')
  writeOnDisk(root, `${OWN_UNITS}/kamailio-proxy.service`, proxy)
  for (const unit of ['kamailio', 'kamailio-proxy', 'rtpengine-daemon']) {
    const onlyWhenAsked = '[Service]\nRestart=no\n'
    writeOnDisk(root, `${OWN_UNITS}/${unit}.service.d/tandem.conf`, onlyWhenAsked)
  }
  // rtpengine learns of calls by these, and never sets them itself.
  appendFileSync(join(root, '/etc/redis/redis.conf'), 'notify-keyspace-events K$g\n')
}

/** Lines below `tandem.stores`. */
export function platformStoreLines(): string[] {
  const at = (file: (typeof SECRETS)[number]): string => `/etc/tandem/${file}`
  return [
    'redis:',
    `  password_file: ${at('redis.password')}`,
    `  replication_password_file: ${at('redis-replica.password')}`,
    'mariadb:',
    '  socket: /run/mysqld/mysqld.sock',
    `  password_file: ${at('mariadb.password')}`,
    `  replication_password_file: ${at('mariadb-replication.password')}`,
    '  undo_user: tandem_undo',
    `  undo_password_file: ${at('mariadb-undo.password')}`,
    '  semi_sync: yes',
  ]
}

/** Lines below `tandem`. */
export function platformServiceLines(plan: LabPlan): string[] {
  const { ng, rtpengineCli, proxy, lb } = VOIP_PORTS
  const cli = `127.0.0.1:${rtpengineCli}`
  return [
    `outside_checks: ['sip udp:${floatingIpOf(plan)}:${lb}']`,
    'services:',
    '  rtpengine:',
    '    unit: rtpengine-daemon',
    '    mode: always',
    '    reads: redis',
    `    checks: [ng 127.0.0.1:${ng} offer, process]`,
    `    on_active: rtpengine ${cli} active`,
    `    on_standby: rtpengine ${cli} standby`,
    `  proxy: {unit: kamailio-proxy, mode: always, after: rtpengine, checks: ['sip udp:127.0.0.1:${proxy}', process]}`,
    `  lb: {unit: kamailio, mode: always, after: proxy, checks: ['sip udp:127.0.0.1:${lb}', process]}`,
  ]
}

/** Passwords for both nodes, as files to be brought to them. */
export function makeSecrets(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    SECRETS.map((file) => [file, `${randomBytes(SECRET_BYTES).toString('hex')}\n`]),
  )
}
