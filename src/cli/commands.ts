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

/** Every command, in the order in which the overview shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  status: { summary: 'how the pair is, as this node sees it', load: () => import('./status.ts') },
  explain: {
    summary: 'why it is so, what stands in the way, what if',
    load: () => import('./explain.ts'),
  },
  history: {
    summary: 'changes of the role, each with its reason',
    load: () => import('./history.ts'),
  },
  record: {
    summary: 'list, show, export, now: what the flight recorder kept',
    load: () => import('./record.ts'),
  },
  alarm: {
    summary: 'list, test: what is to be mended, and who is told of it',
    load: () => import('./alarm.ts'),
  },
  'make-active': { summary: 'make a node active', load: () => import('./make-active.ts') },
  'make-standby': { summary: 'make a node standby', load: () => import('./make-standby.ts') },
  drill: {
    summary: 'rehearse a switch on the live pair, and measure what callers notice',
    load: () => import('./drill.ts'),
  },
  fleet: {
    summary: 'status, switch, reload: many pairs from one place',
    load: () => import('./fleet.ts'),
  },
  maintenance: {
    summary: 'on or off: keep a node from becoming active',
    load: () => import('./maintenance.ts'),
  },
  drain: {
    summary: 'on or off: keep new calls away from the pair, at its load-balancers',
    load: () => import('./drain.ts'),
  },
  data: {
    summary: 'show, archive, rejoin: data of a node that went on alone',
    load: () => import('./data.ts'),
  },
  service: {
    summary: 'summary, start, stop, restart …: the services of this node',
    load: () => import('./service.ts'),
  },
  hook: {
    summary: 'carry out one line of on_active or on_standby, once',
    load: () => import('./hook.ts'),
  },
  'check-active': {
    summary: 'the state by exit code, as ngcp-check-active',
    load: () => import('./check-active.ts'),
  },
  nodename: { summary: 'name of this node inside the pair', load: () => import('./nodename.ts') },
  'check-config': {
    summary: 'every mistake in the configuration',
    load: () => import('./check-config.ts'),
  },
  config: {
    summary: "diff, push: in what the nodes differ, and this node's files to the peer",
    load: () => import('./config.ts'),
  },
  'check-sip': {
    summary: 'a test call with audio, as a subscriber places one',
    load: () => import('./check-sip.ts'),
  },
  setup: {
    summary: 'what to put in place for a store: accounts and settings',
    load: () => import('./setup.ts'),
  },
  doctor: {
    summary: 'are the stores set up as they must be?',
    load: () => import('./doctor.ts'),
  },
  verify: {
    summary: 'do both nodes hold the same data? compares while it is used',
    load: () => import('./verify.ts'),
  },
  reload: {
    summary: 'check a changed configuration; which node to restart first',
    load: () => import('./reload.ts'),
  },
  key: { summary: 'new or rotate: the shared key of the pair', load: () => import('./key.ts') },
  token: { summary: 'new, list, remove: who may use the API', load: () => import('./token.ts') },
  agent: {
    summary: 'the agent itself; normally started by systemd',
    load: () => import('./agent.ts'),
  },
  snmp: {
    summary: 'answers snmpd about this node; started by it',
    load: () => import('./snmp.ts'),
  },
  resource: { summary: 'drive one resource once, OCF style', load: () => import('./resource.ts') },
  simulate: {
    summary: 'two nodes, a seed and many faults, in virtual time',
    load: () => import('./simulate.ts'),
  },
  replay: {
    summary: 'would this version decide as a record says it was decided?',
    load: () => import('./replay.ts'),
  },
  demo: {
    summary: 'a real pair in network namespaces, broken on purpose',
    load: () => import('./demo.ts'),
  },
}
