/**
 * Why is the role what it is, and why did something not happen? The closed list, and the sentence
 * an operator reads. Every change of role carries one of these; so does every refusal.
 */

export const REASONS = {
  started: 'the agent started; it holds no right yet',
  'data-demoted': 'the stores are demoted; standing by',
  'peer-active': 'the peer is active; standing by',
  'elected-candidate': 'no node is active and this one ranks first',
  elected: 'elected: the peer granted the lease',
  'peer-silent':
    'the peer is silent on every path, this node reaches the ping nodes and nobody answers for the floating IPs',
  'takeover-done': 'took over: the peer is silent and its lease has run out',
  'takeover-conditions-ended': 'a condition of the takeover no longer holds',
  'candidacy-ended':
    'the peer ranks first, is silent or does not hear this node; no longer a candidate',
  'lease-ended': 'the lease ended: neither the peer nor a ping majority renewed it',
  'gate-refused': 'the kernel gate refused a command; the right has lapsed',
  'higher-term': 'the peer is active with a higher term; this node yields',
  'operator-asked': 'an operator asked for it',
  unhealthy: 'this node is not fit to serve: a service, a store or its LAN',
  maintenance: 'this node is in maintenance',
  'peer-reaches-more': 'the peer steadily reaches more ping nodes',
} as const satisfies Record<string, string>

/** Why a node has the role it has. */
export type Reason = keyof typeof REASONS

/** What stands in the way of a switchover or a takeover, with the mend an operator can make. */
export const BLOCKERS = {
  'not-active': [
    'this node is not active',
    'run the command on the active node, or name the other node',
  ],
  'peer-silent': ['the peer is not heard', 'check the crosslink and whether its agent runs'],
  'peer-deaf': ['the peer does not hear this node', 'check the links in that direction'],
  'peer-not-able': [
    'the peer could not serve (unhealthy, in maintenance or without the newest data)',
    'look at the status of the peer',
  ],
  'peer-wants': ['the peer is a candidate already', 'wait a moment'],
  'digest-differs': [
    'the nodes differ in ping nodes, times, mode or floating IPs',
    'make config.yml and network.yml alike on both nodes',
  ],
  'changed-recently': ['the role changed a moment ago', 'wait a second and repeat'],
  preparing: ['a switchover is being prepared already', 'wait for its end'],
  promise: ['this node promised the peer not to take over yet', 'wait: the promise ends by itself'],
  'peer-heard': ['the peer was heard a moment ago', 'use a switchover instead'],
  'not-told-long-enough': [
    'the peer may not know yet that it is not heard',
    'wait: this ends by itself',
  ],
  'no-majority': [
    'this node does not steadily reach a strict majority of the ping nodes',
    'check its LAN and the ping nodes',
  ],
  'address-answered': [
    'somebody answers for a floating IP, or it was not silent for long enough',
    'find out who holds the address',
  ],
  'data-may-be-stale': [
    'this node may lack data that the peer confirmed',
    'bring the peer back, or use --force to accept the loss',
  ],
  unhealthy: ['this node is not fit to serve', 'mend what its status calls unhealthy'],
  maintenance: ['this node is in maintenance', 'end it with: tandem maintenance off'],
  'witness-silent': ['the witness did not grant the lease', 'check the witness'],
  'not-fenced': ['the peer is not known to be switched off', 'check the fence agent'],
} as const satisfies Record<string, readonly [sentence: string, mend: string]>

export type Blocker = keyof typeof BLOCKERS
