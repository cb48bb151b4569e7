/**
 * `tandem verify NAME`: do both nodes hold the same data?
 *
 * Compares while applications write, at a pace that leaves the servers to them, and repairs nothing. What
 * was reached is written down, so that one that was stopped goes on there. Needs no agent; the result is
 * left where the agent of this node finds it for status and alarms.
 */
import { setPriority } from 'node:os'
import { formatReport } from '../config/check-report.ts'
import type { StoreConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import { peerOf } from '../core/policy.ts'
import { openVerifier } from '../daemon/open-verifier.ts'
import { finishedResult, VerifyRecord, type VerifyResult } from '../daemon/verify-record.ts'
import {
  emptyTally,
  type Verifier,
  type VerifyEnd,
  type VerifyPlace,
  type VerifyTally,
} from '../resources/verify-tally.ts'
import { native } from '../system/native.ts'
import { json } from './ask.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { resultText, VerifyTeller } from './verify-text.ts'

export const SPEC: CommandSpec = {
  name: 'verify',
  summary: 'Compares the data of a store on both nodes while it is used.',
  details:
    'NAME is a store below tandem.stores, or its kind where there is one of it (mysql is MariaDB).\n' +
    'Names rows and keys that differ, never what they hold. Changes nothing.\n' +
    'Exit status: 0 the same, 1 no such store, 3 it cannot be compared now, 5 differences, 6 stopped or\n' +
    'failed on the way; the same command goes on there.',
  positionals: ['NAME'],
  options: {
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
    restart: { type: 'boolean', help: 'from the beginning, although an earlier run was stopped' },
    last: { type: 'boolean', help: 'compare nothing: show the last result of this node' },
  },
}

/** Between two times that the place is written down. */
const KEEP_MS = 2_000
/** sched(7), nice: the agent, the servers and calls come first. */
const NICE = 10

/** What a test replaces. */
export interface VerifyDoors {
  open: typeof openVerifier
  lockFile: (path: string) => boolean
  /** Calls back when somebody wants it to stop; returns how to take that back. */
  onStop: (stop: () => void) => () => void
  now: () => Date
}

const DOORS: VerifyDoors = {
  open: openVerifier,
  lockFile: (path) => native.lockFile(path),
  onStop: (stop) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const signal of signals) process.once(signal, stop)
    return () => {
      for (const signal of signals) process.off(signal, stop)
    }
  },
  now: () => new Date(),
}

export async function run(args: string[], io: Io, doors: VerifyDoors = DOORS): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, positionals, values } = result.parsed
  const asJson = values['json'] === true
  const say = (exitCode: number, message: string, mend: string): number => {
    if (asJson) io.stdout(json({ schema: SCHEMA_VERSION, message, mend }))
    else io.stderr(`tandem verify: ${message}\n  mend: ${mend}\n`)
    return exitCode
  }
  const loaded = await loadConfig({ directory: places.configDir, node: places.node })
  if (!loaded.ok) {
    io.stderr(formatReport(loaded.mistakes))
    return EXIT.refused
  }
  const { node, stores } = loaded.config
  const config = storeCalled(positionals[0] ?? '', stores)
  if (config === null) {
    const known = stores.map(({ name }) => name).join(', ')
    return say(
      EXIT.usage,
      `no store is called ${positionals[0]}`,
      `configured are: ${known || 'none'}`,
    )
  }
  const record = new VerifyRecord(places.stateDir, config.name)
  if (values['last'] === true) {
    const last = await record.result()
    if (last !== null) return tell(last, asJson, io)
    return say(EXIT.refused, `${config.name} was not compared on this node yet`, 'leave --last out')
  }
  const trouble = await record.prepare()
  if (trouble !== null)
    return say(EXIT.refused, trouble, 'run it as root, or name a directory with --state')
  if (!doors.lockFile(record.lockPath)) {
    return say(
      EXIT.refused,
      `${config.name} is being compared by somebody else`,
      'wait for its end',
    )
  }
  const opened = await doors.open(config)
  if (!opened.ok) return say(EXIT.refused, opened.why, opened.mend)
  if (values['restart'] === true) await record.forgetPlace()
  const names = { ours: node, theirs: peerOf(node) }
  const run = new Run({ config, names, record, io, doors, quiet: asJson })
  const end = await run.run(opened.verifier)
  switch (end.type) {
    case 'done':
      return tell(await run.finish(end.tally), asJson, io)
    case 'stopped':
      return say(
        EXIT.failed,
        'stopped',
        `tandem verify ${config.name} goes on there; --restart begins anew`,
      )
    case 'failed': {
      const { code, message } = end.fault
      const lacks = code === 'HA_STORE_FORBIDDEN'
      const mend = lacks
        ? `"tandem doctor" names what the account lacks, "tandem setup ${config.name}" prints it`
        : `tandem verify ${config.name}, when that is over${end.begun ? ', goes on where it was' : ''}`
      return say(end.begun ? EXIT.failed : EXIT.refused, `${config.name}: ${message}`, mend)
    }
  }
}

function tell(result: VerifyResult, asJson: boolean, io: Io): number {
  io.stdout(asJson ? json({ ...result, schema: SCHEMA_VERSION }) : resultText(result))
  return result.differences === 0 ? EXIT.done : EXIT.unverified
}

/** By its name, else by its kind where there is only one. */
function storeCalled(word: string, stores: readonly StoreConfig[]): StoreConfig | null {
  const named = stores.find(({ name }) => name === word)
  if (named !== undefined) return named
  const kind = word === 'mysql' ? 'mariadb' : word
  const ofKind = stores.filter((store) => store.kind === kind)
  return ofKind.length === 1 ? (ofKind[0] ?? null) : null
}

interface RunParts {
  config: StoreConfig
  names: { ours: string; theirs: string }
  record: VerifyRecord
  io: Io
  doors: VerifyDoors
  quiet: boolean
}

/** One run: keeps its place, tells how far it is, and stops when asked. */
class Run {
  readonly #parts: RunParts
  readonly #startedMs = performance.now()
  #startedIso: string
  #spentBeforeMs = 0
  #stopped = false
  #wake: () => void = () => {}
  #place: { at: VerifyPlace; tally: VerifyTally } | null = null
  #keptMs = performance.now()
  #keeping: Promise<unknown> = Promise.resolve()

  constructor(parts: RunParts) {
    this.#parts = parts
    this.#startedIso = parts.doors.now().toISOString()
  }

  async run(verifier: Verifier): Promise<VerifyEnd> {
    const { record, doors, names, io, quiet } = this.#parts
    const teller = new VerifyTeller(io)
    const unfinished = await record.unfinished(doors.now().getTime())
    if (unfinished !== null) {
      this.#startedIso = unfinished.startedIso
      this.#spentBeforeMs = unfinished.spentMs
      if (!quiet) io.stdout(`goes on with the run of ${unfinished.startedIso}\n`)
    }
    lowerPriority()
    const forget = doors.onStop(() => {
      this.#stopped = true
      this.#wake()
    })
    try {
      return await verifier.run({
        names,
        from: unfinished,
        stopped: () => this.#stopped,
        pause: (ms) => this.#pause(ms),
        step: (progress, at) => {
          if (!quiet) teller.step(progress)
          this.#place = { at, tally: progress.tally as VerifyTally }
          if (performance.now() - this.#keptMs > KEEP_MS) this.#keep()
        },
      })
    } finally {
      forget()
      teller.end()
      verifier.close()
      this.#keep()
      await this.#keeping
    }
  }

  async finish(tally: VerifyTally = emptyTally()): Promise<VerifyResult> {
    const { config, record, doors, io } = this.#parts
    const result = finishedResult(config, tally, {
      startedIso: this.#startedIso,
      finishedIso: doors.now().toISOString(),
      durationMs: this.#spentMs(),
    })
    const trouble = await record.keepResult(result)
    if (trouble !== null) io.stderr(`tandem verify: the result could not be kept: ${trouble}\n`)
    return result
  }

  #spentMs(): number {
    return Math.round(this.#spentBeforeMs + performance.now() - this.#startedMs)
  }

  /** As it is now; what was being written is waited for, so that an older place never comes last. */
  #keep(): void {
    const place = this.#place
    if (place === null) return
    this.#keptMs = performance.now()
    const { record, doors } = this.#parts
    const { at, tally } = structuredClone(place)
    const writtenIso = doors.now().toISOString()
    const unfinished = {
      startedIso: this.#startedIso,
      writtenIso,
      spentMs: this.#spentMs(),
      at,
      tally,
    }
    this.#keeping = this.#keeping.then(() => record.keepUnfinished(unfinished))
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped || ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function lowerPriority(): void {
  try {
    setPriority(NICE)
  } catch {
    // Somebody gave us an even lower one.
  }
}
