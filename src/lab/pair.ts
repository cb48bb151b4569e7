/**
 * What can a bench ask of any cluster manager? To be started, stopped, and to switch over.
 *
 * Everything else (power, freezing, cutting, measuring) happens from outside and is the same for all.
 * Here is the contract and our own pair; other managers are in `rivals.ts`.
 */
import { existsSync } from 'node:fs'
import { type AgentReport, readAgentReport } from './agent-report.ts'
import type { ChosenLetters } from './demand.ts'
import type { LabNode } from './node.ts'
import type { LabNodeName } from './plan.ts'
import { type TimingProfileName, writePlatformFiles } from './platform-files.ts'
import { attempt, inside } from './process.ts'
import { builtFile } from './program.ts'
import type { Lab } from './topology.ts'

/** Longest an operator's command may take. */
const COMMAND_LIMIT_MS = 20_000

export type Nodes = Readonly<Record<LabNodeName, LabNode>>

export interface PairDriver {
  readonly name: string
  /** Families whose floating IP it moves. */
  readonly families: readonly (4 | 6)[]
  /** How long after starting both nodes one of them serves at the latest. */
  readonly settlesWithinMs: number
  /** Says why it cannot run here; null when it can. */
  missing(): Promise<string | null>
  /** Its version, where it is not ours; null when it cannot be told. */
  version?(): Promise<string | null>
  /** Writes what it needs to know before the first start. */
  prepare(lab: Lab): Promise<void>
  /** Starts it on a node that runs nothing yet. */
  start(node: LabNode): Promise<void>
  /** Says whether it takes operators' commands yet; polled after one node serves. */
  ready?(node: LabNode): boolean
  /** What the manager itself tells of the node; null when it tells nothing. */
  report?(node: LabNode): Promise<AgentReport | null>
  /**
   * Moves the service away from the active by the manager's own means.
   *
   * @throws Error when the manager refused
   */
  switchover(active: LabNode): Promise<void>
}

/**
 * Our pair.
 *
 * @param letters  single times in place of the profile's, ms
 * @param stores   lines below `tandem.stores` of config.yml
 * @param more     lines below `tandem`, as those of `data`
 */
export function tandemPair(
  profile: TimingProfileName,
  letters?: ChosenLetters,
  stores: readonly string[] = [],
  more: readonly string[] = [],
): PairDriver {
  return {
    name: 'tandem',
    families: [4, 6],
    settlesWithinMs: 15_000,
    async missing() {
      try {
        builtFile('cli/tandem.js')
        return null
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    },
    prepare: (lab) => writePlatformFiles(lab.plan, profile, { letters, stores, more }),
    async start(node) {
      node.launch(tandemCommand(node, 'agent'))
    },
    ready: (node) => existsSync(`${node.directories.run}/control.sock`),
    report: readAgentReport,
    async switchover(active) {
      const result = await askTandem(active, 'make-standby')
      if (!result.ok) throw new Error(`lab: make-standby on ${active.name}: ${result.message}`)
    },
  }
}

/** Runs an operator's command on a node and waits for its end. */
export function askTandem(node: LabNode, command: string, ...args: string[]) {
  return attempt(command, inside(node.namespace, tandemCommand(node, command, ...args)), {
    timeoutMs: COMMAND_LIMIT_MS,
  })
}

function tandemCommand(node: LabNode, command: string, ...args: string[]): string[] {
  const { config, state, run } = node.directories
  const places = ['--config', config, '--state', state, '--run', run]
  // For the agent `--node` is who it is; for an operator's command, whom it is about.
  const who = command === 'agent' ? ['--node', node.name] : []
  return [process.execPath, builtFile('cli/tandem.js'), command, ...places, ...who, ...args]
}
