/**
 * `tandem doctor`: are the stores of this node set up as they must be?
 *
 * Asks each server for its settings and tries every privilege that the agent will need, without
 * changing anything. Needs no agent.
 */

import { formatReport } from '../config/check-report.ts'
import type { StoreConfig } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { SCHEMA_VERSION } from '../control/schema.ts'
import { openStores } from '../daemon/open-stores.ts'
import { inspectVerify } from '../daemon/open-verifier.ts'
import { semiSyncTimeoutOf } from '../daemon/stores.ts'
import type { ReplicatedStore, StoreFinding } from '../resources/replicated-store.ts'
import { json } from './ask.ts'
import { type CommandSpec, type Io, parseCommand } from './command.ts'
import { EXIT } from './exit-code.ts'
import { printable } from './table.ts'

const SPEC: CommandSpec = {
  name: 'doctor',
  summary: 'Checks the stores of this node: settings, accounts and privileges.',
  details:
    'Changes nothing. What is missing is named with the reason and what to type; "tandem setup NAME" prints it all.\n' +
    'Exit status: 0 in order (warnings allowed), 3 something is missing or a server does not answer.',
  positionals: [],
  options: { json: { type: 'boolean', help: 'print one JSON document instead of text' } },
}

const INSPECT_MS = 10_000

interface Examined {
  store: string
  kind: ReplicatedStore['kind']
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
  const opened = await openStores(configs, semiSyncTimeoutOf(policy))
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
  if (values['json'] === true) io.stdout(json({ schema: SCHEMA_VERSION, stores: examined }))
  else io.stdout(examined.length === 0 ? NONE : examined.map(textOf).join('\n'))
  const failed = examined.some(
    ({ trouble, findings }) =>
      trouble !== null || findings.some(({ severity }) => severity === 'error'),
  )
  return failed ? EXIT.refused : EXIT.done
}

const NONE = 'No store is configured under tandem.stores; there is nothing to check.\n'

async function examine(store: ReplicatedStore, config: StoreConfig | undefined): Promise<Examined> {
  const { name, kind } = store
  const found = await store.inspect(INSPECT_MS)
  const verify = found.ok && config !== undefined ? await inspectVerify(config, INSPECT_MS) : []
  return found.ok
    ? { store: name, kind, trouble: null, findings: [...found.value, ...verify] }
    : { store: name, kind, trouble: found.fault.message, findings: [] }
}

function textOf({ store, kind, trouble, findings }: Examined): string {
  const head = `${store} (${kind}): `
  if (trouble !== null) return `${head}could not be checked: ${printable(trouble)}\n`
  if (findings.length === 0) return `${head}set up as it must be\n`
  const lines = findings.map(({ severity, setting, found, wanted, why, mend }) => {
    const is = found === null ? '' : ` is ${printable(found)},`
    return `  ${severity.padEnd(7)} ${setting}${is} wanted ${printable(wanted)}: ${why}\n          ${printable(mend)}\n`
  })
  return `${head}${findings.length} to mend\n${lines.join('')}`
}
