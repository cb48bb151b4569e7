/**
 * `tandem check-config`: would the agent start with this, and what does it mean?
 *
 * Shows every mistake at once, what the configuration comes out as, and whether the ping nodes
 * answer well enough for its timing. Changes nothing.
 */
import { apiMistakes } from '../config/api-files.ts'
import {
  type CheckResult,
  formatJson,
  formatMeaning,
  formatMistakes,
  formatVerdict,
} from '../config/check-report.ts'
import type { PairConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { checkMachine, type MachineDoors, systemDoors } from '../config/machine-check.ts'
import { formatPingBudget, judgePingBudget, type PingBudget } from '../config/ping-budget.ts'
import { witnessMistakes } from '../config/witness-files.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { type Measure, measurePingNodes } from './measure-ping.ts'

export const SPEC: CommandSpec = {
  name: 'check-config',
  summary: 'Shows every mistake in the configuration, and what it means.',
  details: `Reads config.yml and network.yml with the files that go before them, looks for the
interfaces and the key on this machine, and sends the ping nodes some echo requests.
Ends with 0 when the agent would start and serve its API (warnings allowed) and with 3 when not.`,
  positionals: [],
  options: {
    json: { type: 'boolean', help: 'print one JSON document instead of text' },
    'no-measure': { type: 'boolean', help: 'send no echo requests to the ping nodes' },
    'no-machine': {
      type: 'boolean',
      help: 'do not look for interfaces and key: checked elsewhere',
    },
  },
}

/** What a test replaces. */
export interface CheckDoors {
  measure: Measure
  machine: MachineDoors
  /** Where the platform's files with node and host name are. */
  etcDirectory: string
  /** Host name of this machine; the system's when undefined. */
  machineName?: string
}

const DOORS: CheckDoors = {
  measure: measurePingNodes,
  machine: systemDoors,
  etcDirectory: '/etc',
}

export async function run(args: string[], io: Io, doors: CheckDoors = DOORS): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, values } = result.parsed
  const option = values['node']
  const loaded = await loadConfig({
    directory: places.configDir,
    node: typeof option === 'string' ? option : null,
    nodeVariable: io.env['TANDEM_NODE'] ?? null,
    etcDirectory: doors.etcDirectory,
    ...(doors.machineName === undefined ? {} : { machineName: doors.machineName }),
  })
  const { config } = loaded
  const onMachine =
    config === null || values['no-machine'] === true
      ? []
      : [
          ...(await checkMachine(config, doors.machine)),
          ...(await apiMistakes(config)),
          ...(await witnessMistakes(config)),
        ]
  const check = { config, files: loaded.files, mistakes: [...loaded.mistakes, ...onMachine] }
  const failed = check.mistakes.some((mistake) => mistake.severity === 'error')
  const measured =
    config === null || values['no-measure'] === true || config.pingNodes.length === 0
      ? null
      : await measure(config, doors.measure)
  io.stdout(values['json'] === true ? formatJson(check, measured) : formatText(check, measured))
  return failed ? EXIT.refused : EXIT.done
}

/** The budget, or a sentence why it could not be measured. */
type Measurement = PingBudget | { unmeasured: string }

async function measure(config: PairConfig, door: Measure): Promise<Measurement> {
  try {
    const measured = await door(config.pingNodes)
    if (!measured.ok) return { unmeasured: measured.why }
    const { timingProfile: profile, policy } = config
    return judgePingBudget(measured.samples, { profile, choice: policy.timing })
  } catch (cause) {
    // Above all a native module that does not load; the check of the files stands without it.
    return { unmeasured: cause instanceof Error ? cause.message : String(cause) }
  }
}

function formatText(check: CheckResult, measured: Measurement | null): string {
  const blocks = [formatMistakes(check.mistakes)]
  if (check.config !== null) blocks.push(formatMeaning(check.config))
  if (measured !== null) {
    blocks.push(
      'unmeasured' in measured
        ? `  The ping nodes could not be measured: ${measured.unmeasured}\n`
        : formatPingBudget(measured),
    )
  }
  blocks.push(formatVerdict(check.mistakes))
  return blocks.filter((block) => block !== '').join('\n')
}
