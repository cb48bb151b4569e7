/**
 * `tandem drill`: what would our callers notice? A switchover, or a fault that undoes itself, on the live pair,
 * measured while it happens.
 */
import { formatReport } from '../config/check-report.ts'
import { loadConfig } from '../config/load.ts'
import { type ControlClient, controlClient } from '../control/client.ts'
import { SCHEMA_VERSION, type StatusDocument } from '../control/schema.ts'
import { servesIn } from '../drill/act.ts'
import { findVictim, type Victim } from '../drill/agent-kill.ts'
import { compareWith } from '../drill/compare.ts'
import { DrillReports, idOf } from '../drill/keep.ts'
import { pageOf } from '../drill/page.ts'
import { type DrillPlan, type DrillRequest, planOf } from '../drill/plan.ts'
import { CONDITIONS, type Obstacle, obstaclesOf } from '../drill/preflight.ts'
import type { DrillReport } from '../drill/report.ts'
import { runDrill } from '../drill/run.ts'
import { replaceFile } from '../system/file.ts'
import { native } from '../system/native.ts'
import { json, QUESTION_LIMIT_MS, reportFailure } from './ask.ts'
import { type CommandSpec, type Io, type Parsed, parseCommand, usageError } from './command.ts'
import { confirmed } from './confirm.ts'
import { type DrillWish, wishOf } from './drill-arguments.ts'
import { listText, obstacleText, planText, reportText, rowOf } from './drill-text.ts'
import { EXIT } from './exit-code.ts'
import { paintFor } from './paint.ts'
import { printable } from './table.ts'
import { programVersion } from './version.ts'

const NAME = 'drill'
const FILE_MODE = 0o600

export const SPEC: CommandSpec = {
  name: NAME,
  summary: 'Rehearses a switch on the live pair and measures what callers notice.',
  details: `switchover     (when left out) the planned move of the role; --back: there and back
agent-kill     kill -9 of the agent of the active, on whose host this has to run: the peer takes over
               unplanned, the agent is started again and joins as standby
crosslink-cut  packets of the crosslink are dropped for --seconds; nothing is to move
list           every report that is kept on this node, newest first
show [ID]      one report; last when ID is left out

Asks before it does anything; --dry-run shows what would happen and what stands in the way. Nothing is
begun, and no way back, while the peer could not serve, a store does not follow, something else is under
way or an alarm stands that has to be mended. Each fault ends by itself, also when this command dies.
Compares each figure with the last drill of its kind; reports are in STATE/drills.
Exit status: 0 done and within bounds (--dry-run: it may begin), 1 wrong arguments, 2 no agent, 3 not
begun, the reason is printed, 5 done and not within bounds, 6 begun and not brought to its end.`,
  positionals: ['[KIND|list|show]', '[ID]'],
  options: {
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
    html: { type: 'string', value: 'FILE', help: 'the report as a page in one file, too' },
    'dry-run': { type: 'boolean', help: 'change nothing: show plan, conditions, what is measured' },
    back: { type: 'boolean', help: 'switchover: there and back' },
    seconds: { type: 'string', value: 'N', help: 'crosslink-cut: for so long, 2 to 60 (10)' },
    yes: { type: 'boolean', help: 'do not ask, as in scripts' },
  },
}

/** What a test replaces. */
export interface DrillDoors {
  client: (runDir: string) => ControlClient
  load: typeof loadConfig
  find: typeof findVictim
  run: typeof runDrill
  lockFile: (path: string) => boolean
  confirm: typeof confirmed
  now: () => Date
}

const DOORS: DrillDoors = {
  client: controlClient,
  load: loadConfig,
  find: findVictim,
  run: runDrill,
  lockFile: (path) => native.lockFile(path),
  confirm: confirmed,
  now: () => new Date(),
}

export async function run(args: string[], io: Io, doors: DrillDoors = DOORS): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const wish = wishOf(result.parsed)
  if (!wish.ok) return usageError(NAME, wish.complaint, io)
  const command = new DrillCommand(result.parsed, wish.wish, io, doors)
  return await command.run()
}

/** One call of the command. */
class DrillCommand {
  readonly #parsed: Parsed
  readonly #wish: DrillWish
  readonly #io: Io
  readonly #doors: DrillDoors
  readonly #reports: DrillReports
  readonly #asJson: boolean

  constructor(parsed: Parsed, wish: DrillWish, io: Io, doors: DrillDoors) {
    this.#parsed = parsed
    this.#wish = wish
    this.#io = io
    this.#doors = doors
    this.#reports = new DrillReports(parsed.places.stateDir)
    this.#asJson = parsed.values['json'] === true
  }

  async run(): Promise<number> {
    const wish = this.#wish
    switch (wish.do) {
      case 'list':
        return await this.#list()
      case 'show': {
        const found = await this.#reports.read(wish.id)
        if (!found.ok) return this.#refuse(found.message, found.mend)
        return (await this.#tell(found.value)) ?? EXIT.done
      }
      case 'drill':
        return await this.#drill(wish.request)
    }
  }

  async #list(): Promise<number> {
    const ids = await this.#reports.ids()
    if (!ids.ok) return this.#refuse(ids.message, ids.mend)
    const reports = await this.#reports.all()
    const rows = reports.map(rowOf)
    if (this.#asJson) this.#io.stdout(json({ schema: SCHEMA_VERSION, drills: rows }))
    else this.#io.stdout(listText(reports, paintFor(this.#io)))
    return EXIT.done
  }

  async #drill(request: DrillRequest): Promise<number> {
    const { places, values } = this.#parsed
    const loaded = await this.#doors.load({ directory: places.configDir, node: places.node })
    if (!loaded.ok) {
      this.#io.stderr(formatReport(loaded.mistakes))
      return EXIT.refused
    }
    const { config } = loaded
    const client = this.#doors.client(places.runDir)
    const status = await client.status(QUESTION_LIMIT_MS)
    const where = { command: NAME, json: this.#asJson, io: this.#io }
    if (!status.ok) return reportFailure(status, where)
    const explain = await client.explain(QUESTION_LIMIT_MS)
    if (!explain.ok) return reportFailure(explain, where)
    const plan = planOf(request, config, servesIn(status.value) ?? status.value.node)
    const obstacles = obstaclesOf(request, status.value, explain.value)
    const victim = await this.#victim(request, status.value, obstacles)
    if (victim !== null) plan.steps = [...plan.steps, victim.starts]
    if (values['dry-run'] === true) return this.#dryRun(request, plan, obstacles)
    if (obstacles.length > 0) {
      if (this.#asJson) this.#io.stdout(json({ schema: SCHEMA_VERSION, obstacles }))
      else
        this.#io.stderr(`tandem drill: not begun\n${obstacleText(obstacles, paintFor(this.#io))}`)
      return EXIT.refused
    }
    if (values['yes'] !== true) {
      this.#io.stderr(planText(plan, obstacles, paintFor(this.#io)))
      if (!(await this.#doors.confirm(request.kind, this.#io))) {
        return this.#refuse('not confirmed, nothing was done', 'type the word, or say --yes')
      }
    }
    const trouble = await this.#reports.prepare()
    if (trouble !== null)
      return this.#refuse(trouble, 'run it as root, or name a --state directory')
    if (!this.#doors.lockFile(this.#reports.lockPath)) {
      return this.#refuse('another drill runs on this node', 'wait for its end')
    }
    return await this.#carryOut({ request, plan, config, client, victim })
  }

  /** The agent that is to be killed; what stands in the way of it joins the obstacles. */
  async #victim(
    request: DrillRequest,
    status: StatusDocument,
    obstacles: Obstacle[],
  ): Promise<Victim | null> {
    if (request.kind !== 'agent-kill' || status.local.state !== 'active') return null
    const found = await this.#doors.find(status.self.pid, this.#parsed.places.runDir)
    if ('kill' in found) return found
    obstacles.push(found)
    return null
  }

  #dryRun(request: DrillRequest, plan: DrillPlan, obstacles: readonly Obstacle[]): number {
    const { bounds, ...rest } = plan
    const lost = Object.fromEntries(bounds.lost)
    if (this.#asJson) {
      const document = { ...request, ...rest, bounds: { ...bounds, lost }, conditions: CONDITIONS }
      this.#io.stdout(json({ schema: SCHEMA_VERSION, ...document, obstacles }))
    } else this.#io.stdout(planText(plan, obstacles, paintFor(this.#io)))
    return obstacles.length === 0 ? EXIT.done : EXIT.refused
  }

  async #carryOut(
    parts: Pick<
      Parameters<typeof runDrill>[0],
      'request' | 'plan' | 'config' | 'client' | 'victim'
    >,
  ): Promise<number> {
    const stopped = new AbortController()
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    const stop = (): void => stopped.abort()
    for (const signal of signals) process.on(signal, stop)
    try {
      const end = await this.#doors.run({
        ...parts,
        ...{ id: idOf(this.#doors.now(), parts.request.kind), version: programVersion() },
        signal: stopped.signal,
        tell: (sentence) => this.#io.stderr(`  ${printable(sentence)}\n`),
      })
      if (!end.ok) return this.#refuse(end.why, end.mend)
      const { report } = end
      const whole = { ...report, compared: compareWith(report, await this.#reports.all()) }
      const trouble = await this.#reports.keep(whole)
      if (trouble !== null)
        this.#io.stderr(`tandem drill: the report could not be kept: ${trouble}\n`)
      const failed = await this.#tell(whole)
      if (report.outcome === 'aborted') return EXIT.failed
      return failed ?? (report.outcome === 'kept' ? EXIT.done : EXIT.unverified)
    } finally {
      for (const signal of signals) process.off(signal, stop)
    }
  }

  /** @returns the exit code of a page that could not be written; null when all was told */
  async #tell(report: DrillReport): Promise<number | null> {
    this.#io.stdout(this.#asJson ? json(report) : reportText(report, paintFor(this.#io)))
    const file = this.#parsed.values['html']
    if (typeof file !== 'string') return null
    const written = await replaceFile(file, pageOf(report), { mode: FILE_MODE })
    if (written.ok) return null
    this.#io.stderr(`tandem drill: ${written.message}\n  mend: name another file with --html\n`)
    return EXIT.failed
  }

  #refuse(message: string, mend: string): number {
    if (this.#asJson) this.#io.stdout(json({ schema: SCHEMA_VERSION, message, mend }))
    else this.#io.stderr(`tandem drill: ${message}\n  mend: ${mend}\n`)
    return EXIT.refused
  }
}
