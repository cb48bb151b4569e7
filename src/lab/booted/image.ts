/**
 * Which system do booted machines have? A small Debian, made once from Debian's own archive and kept.
 *
 * It holds what a fresh host of the platform has before anybody installs Tandem, and the tools of an
 * operator's own machine (ansible): the same image serves both. It is the lower layer of every machine's
 * disk and never written to. Another list of packages is another image.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { must } from '../process.ts'
import { unmountBelow } from '../topology.ts'

/** Newer than what the package is built on, as hosts may be. */
const SUITE = 'trixie'
const CACHE = '/var/cache/tandem-lab'
/** 90 s alone; a busy machine has been seen to take ten minutes. */
const BUILD_LIMIT_MS = 1_200_000

const PACKAGES = [
  // A Debian as installed by hand: init, network as Debian sets it up, a way in for Ansible.
  ...['systemd', 'systemd-sysv', 'dbus', 'ifupdown', 'iputils-ping', 'procps', 'kmod'],
  ...['openssh-server', 'python3', 'python3-apt'],
  // What the package depends on: the lab has no archive to fetch it from.
  ...['iproute2', 'nftables', 'bpftool', 'ca-certificates'],
  // The platform. Not looked at by pairs that have nothing but Tandem.
  ...['redis-server', 'mariadb-server', 'kamailio', 'rtpengine-daemon'],
  // Gives one process another wall clock.
  'faketime',
  // The operator's machine.
  ...['openssh-client', 'ansible-core', 'ansible-lint', 'yamllint'],
] as const

/** Each is carried out in the new system, whose directory is `$1`. */
const HOOKS = [
  // Two machines must not share what identifies one, and each makes its own.
  'rm -f "$1"/etc/ssh/ssh_host_*; : >"$1"/etc/machine-id; rm -f "$1"/var/lib/dbus/machine-id',
  // Left out of the image to be small, but not for what is installed on the machines later.
  'rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  // What a machine without a way out would only fail at, and what a test switches on itself.
  'chroot "$1" systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer',
  'chroot "$1" systemctl disable --quiet redis-server mariadb kamailio rtpengine-daemon',
] as const

/**
 * The image's directory; made when it is not there yet, which takes one to three minutes.
 *
 * @throws Error naming what failed; a half-made image is removed
 */
export async function bootImage(): Promise<string> {
  const recipe = JSON.stringify([SUITE, PACKAGES, HOOKS])
  const mark = createHash('sha256').update(recipe).digest('hex').slice(0, 12)
  const image = `${CACHE}/${SUITE}-${mark}`
  if (existsSync(image)) return image
  mkdirSync(CACHE, { recursive: true })
  const partial = `${image}.${process.pid}`
  try {
    await must('make the image of the booted machines', command(partial), {
      timeoutMs: BUILD_LIMIT_MS,
    })
    renameSync(partial, image)
  } finally {
    // One that was interrupted still has /dev and /proc of this machine mounted: never to be walked into.
    await unmountBelow(partial)
    await must('remove what was half made', ['rm', '-rf', '--one-file-system', partial])
  }
  return image
}

function command(target: string): string[] {
  return [
    ...['mmdebstrap', '--quiet', '--variant=minbase', `--include=${PACKAGES.join(',')}`],
    ...['man', 'locale', 'doc'].map((what) => `--dpkgopt=path-exclude=/usr/share/${what}/*`),
    ...HOOKS.map((hook) => `--customize-hook=${hook}`),
    ...[SUITE, target],
  ]
}
