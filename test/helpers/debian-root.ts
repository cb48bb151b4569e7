/**
 * A small Debian of a release in a directory, to install packages in: no systemd runs there, no network is
 * needed. It is made once and kept in /var/cache/tandem; each test works in a copy.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const CACHE = '/var/cache/tandem'
/** What the package depends on is there already, so that dpkg alone installs it. */
const INCLUDED = 'bpftool,iproute2,nftables,mount,init-system-helpers'
const MAKE_MS = 270_000
const RUN_MS = 120_000

export interface Ran {
  code: number | null
  /** Standard output and standard error. */
  text: string
}

/**
 * Makes what is not in the cache yet.
 *
 * @returns why it cannot be had; null when it is there
 */
export async function prepareDebian(suite: string): Promise<string | null> {
  const tar = tarOf(suite)
  if (existsSync(tar)) return null
  if (process.getuid?.() !== 0) return 'this needs root'
  if (!existsSync('/usr/bin/mmdebstrap')) return 'mmdebstrap is not installed'
  mkdirSync(CACHE, { recursive: true })
  const half = join(CACHE, `half-${process.pid}-${suite}.tar`)
  try {
    const args = ['--variant=minbase', `--include=${INCLUDED}`, suite, half]
    await promisify(execFile)('mmdebstrap', args, { timeout: MAKE_MS })
    renameSync(half, tar)
    return null
  } catch (error) {
    rmSync(half, { force: true })
    const told = String((error as { stderr?: string }).stderr ?? error)
    return told.trim().split('\n').slice(-3).join('; ')
  }
}

export class DebianRoot {
  readonly directory: string

  /** @param suite  one that `prepareDebian` has prepared */
  constructor(suite: string) {
    this.directory = mkdtempSync(join(tmpdir(), `tandem-${suite}-`))
    const members = ['--exclude=./dev/*', '--exclude=./proc/*', '--exclude=./sys/*']
    execFileSync('tar', ['-xf', tarOf(suite), '-C', this.directory, ...members], {
      timeout: RUN_MS,
    })
    execFileSync('mknod', ['-m', '666', this.path('/dev/null'), 'c', '1', '3'])
    execFileSync('mknod', ['-m', '444', this.path('/dev/urandom'), 'c', '1', '9'])
  }

  path(inside: string): string {
    return join(this.directory, inside)
  }

  /** Runs a script of sh inside, in a network of its own that has `eth0` and `eth1`. */
  run(script: string, env: Record<string, string> = {}): Ran {
    const inside = `mount -t proc proc /proc; mount -t sysfs sys /sys; ip link set lo up; ip link add eth0 type veth peer name eth1; ${script}`
    const args = [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      'chroot',
      this.directory,
      'sh',
      '-c',
      inside,
    ]
    const { status, stdout, stderr } = spawnSync('unshare', args, {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...env },
      encoding: 'utf8',
      timeout: RUN_MS,
    })
    return { code: status, text: `${stdout}${stderr}` }
  }

  /** Every file and directory, but what dpkg itself keeps of what it did. */
  files(): string[] {
    // Not by a walk that follows links: /var/run leads to the /run of this machine.
    const found = execFileSync('find', [this.directory, '-mindepth', '1', '-printf', '%P\\n'], {
      ...{ encoding: 'utf8', timeout: RUN_MS, maxBuffer: 64 * 1024 * 1024 },
    })
    const own =
      /^(var\/lib\/dpkg\/|var\/log\/|var\/cache\/|etc\/ld\.so\.cache|run\/mount|tmp\/|dev\/)/
    return found
      .split('\n')
      .filter((path) => path !== '' && !own.test(path))
      .sort()
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function tarOf(suite: string): string {
  return join(CACHE, `debian-${suite}.tar`)
}
