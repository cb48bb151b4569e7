/**
 * Which commands are there? Name, one line, and where each lives.
 *
 * A command's module is loaded when it is typed and not before, so that `tandem status` does not wait
 * for the simulator.
 */
import type { CommandModule } from './command.ts'

export interface CommandEntry {
  /** One line for the overview. */
  summary: string
  load: () => Promise<CommandModule>
}

/** The module of a command, by file name without its ending. */
function from(module: string): () => Promise<CommandModule> {
  return () => import(/* @vite-ignore */ `./${module}.ts`)
}

/** Every command, in the order in which the overview shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  status: { summary: 'how the pair is, as this node sees it', load: from('status') },
  explain: { summary: 'why it is so, what stands in the way, what if', load: from('explain') },
  history: { summary: 'changes of the role, each with its reason', load: from('history') },
  'make-active': { summary: 'make a node active', load: from('make-active') },
  'make-standby': { summary: 'make a node standby', load: from('make-standby') },
  maintenance: {
    summary: 'on or off: keep a node from becoming active',
    load: from('maintenance'),
  },
  'check-active': {
    summary: 'the state by exit code, as ngcp-check-active',
    load: from('check-active'),
  },
  nodename: { summary: 'name of this node inside the pair', load: from('nodename') },
  'check-config': { summary: 'every mistake in the configuration', load: from('check-config') },
  key: { summary: 'new or rotate: the shared key of the pair', load: from('key') },
  agent: { summary: 'the agent itself; normally started by systemd', load: from('agent') },
  resource: { summary: 'drive one resource once, OCF style', load: from('resource') },
  simulate: {
    summary: 'two nodes, a seed and many faults, in virtual time',
    load: from('simulate'),
  },
  demo: { summary: 'a real pair in network namespaces, broken on purpose', load: from('demo') },
}
