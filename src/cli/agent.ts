/**
 * `tandem agent`: the agent of this node, in the foreground, until it is asked to stop.
 */

import { formatReport } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { checkMachine } from '../config/machine-check.ts'
import { runAgent } from '../daemon/agent.ts'
import { clearAway } from '../daemon/clear-away.ts'
import { readPrivateFile } from '../system/file.ts'
import { isJournal } from '../system/journal.ts'
import { execProgram, linkState } from '../system/native.ts'
import { type PairKey, parseKeys } from '../wire/key.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { programVersion } from './version.ts'

export const SPEC: CommandSpec = {
  name: 'agent',
  summary: 'Runs the agent of this node in the foreground, until SIGTERM or SIGINT.',
  details:
    'An active agent that is asked to stop hands over to its peer first, where that is able.\n' +
    'SIGHUP reads the key file and the configuration again, as tandem reload does.\n' +
    '--clear is for removing the program: a gate without an agent stays shut, until the next boot.\n' +
    'Exit status: 0 stopped as asked, 3 cannot start (the reason is printed), 70 a mistake of ours.',
  positionals: [],
  options: {
    clear: { type: 'boolean', help: 'runs no agent; takes the gate of one that ended away' },
  },
}

/** A key file holds a few lines. */
const KEY_FILE_MAX_BYTES = 4096

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places } = result.parsed
  if (result.parsed.values['clear'] === true) {
    const left = await clearAway(places)
    for (const sentence of left) io.stderr(`tandem agent: ${sentence}\n`)
    return left.length === 0 ? EXIT.done : EXIT.failed
  }
  useEngineOptions(io)
  const loaded = await loadConfig({ directory: places.configDir, node: places.node })
  const machine = loaded.ok
    ? await checkMachine(loaded.config, { interfaceExists: (name) => linkState(name) !== null })
    : []
  const mistakes = [...loaded.mistakes, ...machine]
  if (!loaded.ok || mistakes.some((mistake) => mistake.severity === 'error')) {
    io.stderr(formatReport(mistakes))
    return EXIT.refused
  }
  const { config } = loaded
  const keys = await readKeys(config.keyFile)
  if (typeof keys === 'string') return refuse(io, keys, 'make one with: tandem key new')

  // For `tandem verify`, which the agent starts.
  process.env['TANDEM_CONFIG'] = places.configDir
  const end = await runAgent({
    config,
    keys,
    configDir: places.configDir,
    stateDir: places.stateDir,
    runDir: places.runDir,
    version: programVersion(),
    journal: isJournal(1, io.env['JOURNAL_STREAM']),
    stopAsked: untilSignal(),
    onReload: (changed) => {
      process.on('SIGHUP', () => void readKeys(config.keyFile).then(changed))
    },
  })
  const exitCode = end.ok ? EXIT.done : refuse(io, end.message, end.mend)
  if (end.hanging !== null) endAnyhow(io, end.hanging)
  return exitCode
}

/**
 * An ordinary exit waits for calls that hang in the kernel, for as long as they do (measured: for ever).
 * Gate and addresses are gone by now; the next agent needs the lock and the control sockets.
 */
function endAnyhow(io: Io, hanging: string): void {
  io.stderr(`tandem agent: stopped; ends without waiting any longer for ${hanging}\n`)
  process.kill(process.pid, 'SIGKILL')
}

function refuse(io: Io, message: string, mend: string): number {
  io.stderr(`tandem agent: ${message}\n  mend: ${mend}\n`)
  return EXIT.refused
}

/**
 * What the engine is told at its start, because later it does not listen:
 * - a small young generation keeps the agent at two thirds of its size (122 and 85 MiB measured);
 * - collecting is left to the thread whose garbage it is. Helpers run at normal priority, and the
 *   heart would wait for them whenever other load keeps them off the processors;
 * - no collection just because nothing happens: it stopped an idle heart for 15 to 50 ms;
 * - what runs ten times a second is hot for us long before it is for the engine. Compiled within seconds
 *   instead of many minutes it costs a third less. Node 20 only: later ones know the option no more, and
 *   do not start with one that they do not know.
 */
const ENGINE_OPTIONS = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--single-threaded-gc',
  '--no-memory-reducer',
  ...(process.versions.node.startsWith('20.') ? ['--interrupt-budget=4000'] : []),
]
const ENGINE_MARK = 'TANDEM_ENGINE_OPTIONS'

/**
 * The engine takes its limits only at its start, so the same program is put in place of this one with
 * them, once. Not where somebody chose options, or when it does not work.
 */
function useEngineOptions(io: Io): void {
  if (io.env[ENGINE_MARK] !== undefined || process.execArgv.length > 0) return
  process.env[ENGINE_MARK] = 'set'
  const script = process.argv[1]
  if (script === undefined) return
  try {
    execProgram(process.execPath, [
      process.execPath,
      ...ENGINE_OPTIONS,
      script,
      ...process.argv.slice(2),
    ])
  } catch {
    // It runs as well as the engine is.
  }
}

/** The keys, or what is wrong with their file. */
async function readKeys(path: string): Promise<readonly PairKey[] | string> {
  const read = await readPrivateFile(path, { maxBytes: KEY_FILE_MAX_BYTES })
  if (!read.ok) return read.message
  const keys = parseKeys(read.bytes.toString('utf8'))
  return keys.ok ? keys.keys : `${path}, line ${keys.line} ${keys.why}`
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => resolve(`asked to stop by ${signal}`))
    }
  })
}
