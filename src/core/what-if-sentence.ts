/**
 * In which words is an operator told what would happen? Every clause of what-if.ts, in one place.
 *
 * Faults first, then outcomes, then reasons; a reason continues an outcome after its colon.
 */
import type { NodeName } from './policy.ts'

export const SAY = {
  machineDies: (node: NodeName) => `the machine of ${node} dies`,
  agentFreezes: (node: NodeName) => `the agent of ${node} freezes`,
  crosslinkCut: 'the crosslink is cut',
  lanCut: (node: NodeName) => `the LAN of ${node} is cut`,
  pingNodeDies: 'a ping node dies (the gateway, say)',
  pingNodesDie: 'all ping nodes die',
  bothReboot: 'both machines reboot (counted from the last agent up)',

  nothingMoves: (node: NodeName) => `nothing moves: ${node} goes on`,
  lanCarries: 'nothing moves: heartbeats go on over the LAN',
  reflectionCarries: 'nothing moves: heartbeats are already reflected by ping nodes only',
  grantsCarry: (node: NodeName) =>
    `nothing moves: the peer's grants carry ${node} on, but no takeover is possible meanwhile`,
  noTakeoverMeanwhile: (active: NodeName, cut: NodeName) =>
    `nothing moves: ${active} goes on, but ${cut} could not take over meanwhile`,
  takesOver: (node: NodeName) => `${node} takes over`,
  takesOverLate: (node: NodeName, why: string) =>
    `${node} takes over only after the configured wait: ${why}`,
  fences: (node: NodeName, afterMs: number) =>
    `${node} has the other switched off and takes over: ${afterMs} ms, and what the fence agent takes`,
  handsOver: (node: NodeName) => `${node} reaches more ping nodes and is handed the role`,
  elects: 'the two elect one of them',
  stops: (node: NodeName, afterMs: number, why: string) =>
    `${node} stops serving after ${afterMs} ms and nobody serves: ${why}`,
  staysCutOff: (node: NodeName, why: string) =>
    `${node} stays active although clients cannot reach it: ${why}`,
  waitsForData: (active: NodeName, node: NodeName) =>
    `${active} stays active, with writes frozen now and then, until ${node} has its data`,
  nobody: (why: string) => `nobody serves: ${why}`,
  nobodyNow: 'nobody serves now, and nobody would',
  onlyPath: (outcome: string) => `if the LAN is down too, as no ping node answers: ${outcome}`,
  silentAlready: (node: NodeName) => `${node} is silent already: see what stands in the way`,
  unknown: (node: NodeName) => `unknown: ${node} is not heard`,
  ifSilentStill: (node: NodeName, outcome: string) =>
    `if ${node} stays silent, ${outcome}; else the two elect one of them`,

  inMaintenance: (node: NodeName) => `${node} is in maintenance`,
  unhealthy: (node: NodeName) => `services of ${node} failed`,
  notAble: (node: NodeName) => `${node} could not serve`,
  notAlike: 'the nodes are configured differently',
  mayLackData: (node: NodeName) => `${node} may lack confirmed data`,
  hasNewerData: (node: NodeName) => `${node} has newer data and cannot serve`,
  noMajority: (node: NodeName) => `${node} does not reach a majority of the ping nodes`,
  reachesNothing: (node: NodeName) => `${node} reaches no ping node either`,
  isSilent: (node: NodeName) => `${node} is silent`,
  unknownOf: (node: NodeName) => `nothing is known of ${node}`,
  neitherAble: 'neither node is healthy and out of maintenance',
  neverHeard: (node: NodeName) =>
    `the one that is up will not have heard ${node} and does not fence it`,
} as const
