#!/usr/bin/env node
/**
 * The program `tandem`: the real outside of the commands, and the last word about their failures.
 */
import type { Io } from './command.ts'
import { dispatch } from './dispatch.ts'
import { EXIT } from './exit-code.ts'
import { terminalOf } from './terminal.ts'
import { programVersion } from './version.ts'

// Ordinary users and `su` without a dash do not have them on the PATH, and `nft` and `tc` live there.
const SYSTEM_TOOLS = ['/usr/local/sbin', '/usr/sbin', '/sbin']
const path = (process.env['PATH'] ?? '/usr/bin:/bin').split(':')
process.env['PATH'] = [...new Set([...path, ...SYSTEM_TOOLS])].join(':')

const terminal = terminalOf(() => process.stdin, process.stdout, process.env)
const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  isTty: process.stdout.isTTY === true,
  ...(terminal === null ? {} : { terminal }),
}

// `tandem status | head -1` closes our output early; that is not a failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? (process.exitCode ?? EXIT.done) : EXIT.internal)
  })
}

try {
  process.exitCode = await dispatch(process.argv.slice(2), programVersion(), io)
} catch (mistake) {
  const told = mistake instanceof Error ? (mistake.stack ?? mistake.message) : String(mistake)
  io.stderr(`tandem: a mistake in this program; please report it\n${told}\n`)
  // At once: threads that were started by then would keep a broken program alive, locks and all.
  process.exit(EXIT.internal)
}
