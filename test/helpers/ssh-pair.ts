/**
 * ssh between the nodes of a lab, as an operator has it: a real sshd in the namespace of a node, a key that may
 * log in there, and the programs that a shell there finds.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabNode } from '../../src/lab/node.ts'
import { attempt, inside } from '../../src/lab/process.ts'

const TANDEM = join(import.meta.dirname, '../../dist/cli/tandem.js')

/**
 * Lets one node log in on the other.
 *
 * @returns directory for the head of PATH of whoever logs in
 */
export function allowLogin(
  to: LabNode,
  { address, workDir }: { address: string; workDir: string },
): string {
  const place = join(workDir, `ssh-${to.name}`)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(join(place, 'there'), { recursive: true, mode: 0o700 })
  mkdirSync(join(place, 'here'), { recursive: true, mode: 0o700 })
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place, name)])
  }
  const { config, state, run } = to.directories
  script(join(place, 'there/tandem'), `exec ${process.execPath} ${TANDEM} "$@"`)
  const client = join(place, 'client.conf')
  script(join(place, 'here/ssh'), `exec /usr/bin/ssh -F ${client} "$@"`)
  const variables = {
    PATH: `${place}/there:/usr/sbin:/usr/bin:/sbin:/bin`,
    TANDEM_CONFIG: config,
    TANDEM_STATE: state,
    TANDEM_RUN: run,
    TANDEM_NODE: to.name,
  }
  const server = [
    `ListenAddress ${address}`,
    `HostKey ${place}/host`,
    `AuthorizedKeysFile ${place}/user.pub`,
    ...['StrictModes no', 'PidFile none', 'UsePAM yes', 'PermitRootLogin prohibit-password'],
    ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UseDNS no'],
    `SetEnv ${Object.entries(variables)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
  ]
  writeFileSync(join(place, 'server.conf'), `${server.join('\n')}\n`)
  const known = execFileSync('cut', ['-d', ' ', '-f', '1,2', join(place, 'host.pub')], {
    encoding: 'utf8',
  })
  writeFileSync(join(place, 'known'), `${address} ${known}`)
  const options = [`IdentityFile ${place}/user`, `UserKnownHostsFile ${place}/known`, 'User root']
  writeFileSync(client, `${options.join('\n')}\n`)
  to.launch(['/usr/sbin/sshd', '-D', '-e', '-f', join(place, 'server.conf')])
  return join(place, 'here')
}

/**
 * An operator's command on a node whose ssh leads to the other one.
 *
 * @param path  from `allowLogin`
 */
export async function typedWithSsh(node: LabNode, path: string, ...words: string[]) {
  const { config, run, state } = node.directories
  const places = ['--config', config, '--run', run, '--state', state, '--node', node.name]
  const search = `PATH=${path}:${process.env['PATH'] ?? ''}`
  const command = ['env', search, process.execPath, TANDEM, ...words, ...places]
  const result = await attempt(words.join(' '), inside(node.namespace, command), {
    timeoutMs: 60_000,
  })
  return { exitCode: result.ok ? 0 : result.exitCode, out: result.stdout, err: result.stderr }
}

function script(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`)
  chmodSync(path, 0o755)
}
