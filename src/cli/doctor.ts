/**
 * `tandem doctor`: are the stores and services of this node set up as they must be?
 *
 * Asks each server for its settings and tries every privilege that the agent will need; looks for units that
 * systemd or monit would start beside us. Changes nothing. Needs no agent.
 */

import { formatReport } from '../config/check-report.ts'
import type { ServiceBackend, ServiceConfig, StoreConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import { openStores } from '../daemon/open-stores.ts'
import { inspectVerify } from '../daemon/open-verifier.ts'
import { semiSyncTimeoutOf } from '../daemon/stores.ts'
import type { ReplicatedStore, StoreFinding } from '../resources/replicated-store.ts'
import { inspectService } from '../resources/service-open.ts'
import { json } from './ask.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './table.ts'

export const SPEC: CommandSpec = {
  name: 'doctor',
  summary: 'Checks the stores and services of this node: settings, accounts, who else starts them.',
  details:
    'Changes nothing. What is missing is named with the reason and what to type; "tandem setup NAME" prints it all.\n' +
    'Exit status: 0 in order (warnings allowed), 3 something is missing or a server does not answer.',
  positionals: [],
  options: { json: { type: 'boolean', help: 'print one JSON document instead of text' } },
}

const INSPECT_MS = 10_000

interface Examined {
  name: string
  kind: ReplicatedStore['kind'] | ServiceBackend['kind']
  /** Why it could not be examined; null when it was. */
  trouble: string | null
  findings: readonly StoreFinding[]
}

export async function run(args: string[], io: Io): Promise<number> {
  const result = parseCommand(SPEC, args, io)
  if (!result.ok) return result.exitCode
  const { places, values } = result.parsed
  const loaded = await loadConfig({ directory: places.configDir, node: places.node })
  if (!loaded.ok) {
    io.stderr(formatReport(loaded.mistakes))
    return EXIT.refused
  }
  const { stores: configs, policy } = loaded.config
  const opened = await openStores(configs, semiSyncTimeoutOf(policy, configs))
  if (!opened.ok) {
    io.stderr(`tandem doctor: ${opened.why}\n`)
    return EXIT.refused
  }
  const examined = await Promise.all(
    opened.stores.map((store) =>
      examine(
        store,
        configs.find(({ name }) => name === store.name),
      ),
    ),
  )
  for (const store of opened.stores) store.close()
  const services = await Promise.all(loaded.config.services.map(examineService))
  const all = [...examined, ...services]
  if (values['json'] === true) {
    const document = {
      stores: examined.map(({ name, ...rest }) => ({ store: name, ...rest })),
      services: services.map(({ name, ...rest }) => ({ service: name, ...rest })),
    }
    io.stdout(json({ schema: SCHEMA_VERSION, ...document }))
  } else io.stdout(all.length === 0 ? NONE : all.map(textOf).join('\n'))
  const failed = all.some(
    ({ trouble, findings }) =>
      trouble !== null || findings.some(({ severity }) => severity === 'error'),
  )
  return failed ? EXIT.refused : EXIT.done
}

const NONE = 'No store and no service is configured under tandem; there is nothing to check.\n'

async function examineService({ name, backend }: ServiceConfig): Promise<Examined> {
  const found = await inspectService({ name, ...backend }, INSPECT_MS)
  const about = { name, kind: backend.kind }
  return found.ok
    ? { ...about, trouble: null, findings: found.value }
    : { ...about, trouble: found.fault.message, findings: [] }
}

async function examine(store: ReplicatedStore, config: StoreConfig | undefined): Promise<Examined> {
  const { name, kind } = store
  const found = await store.inspect(INSPECT_MS)
  const verify = found.ok && config !== undefined ? await inspectVerify(config, INSPECT_MS) : []
  return found.ok
    ? { name, kind, trouble: null, findings: [...found.value, ...verify] }
    : { name, kind, trouble: found.fault.message, findings: [] }
}

function textOf({ name, kind, trouble, findings }: Examined): string {
  const head = `${name} (${kind}): `
  if (trouble !== null) return `${head}could not be checked: ${printable(trouble)}\n`
  if (findings.length === 0) return `${head}set up as it must be\n`
  const lines = findings.map(({ severity, setting, found, wanted, why, mend }) => {
    const is = found === null ? '' : ` is ${printable(found)},`
    return `  ${severity.padEnd(7)} ${setting}${is} wanted ${printable(wanted)}: ${why}\n          ${printable(mend)}\n`
  })
  return `${head}${findings.length} to mend\n${lines.join('')}`
}
