/**
 * How do the ways to the peer, the ping nodes and the floating IPs look to whoever asks the agent? Part of
 * `schema.ts`.
 */
import { count, nullable, number, object, oneOf, text, truth } from './json-schema.ts'

const roundTrip = object('of the last hundred or so answers', {
  median: number('milliseconds'),
  max: number('milliseconds'),
})
const lossRatio = number('0 to 1, over the last seconds')

export const path = object('one way a heartbeat can travel', {
  name: text('as configured'),
  kind: oneOf('by which link', ['crosslink', 'lan', 'extra', 'reflected']),
  interface: text('of this node'),
  ours: text('address'),
  theirs: text('address; of the ping node for a reflected path'),
  state: oneOf('how it does', ['up', 'lossy', 'silent', 'no-carrier']),
  lossRatio,
  roundTripMs: nullable(roundTrip),
  lastHeardMsAgo: nullable(number('null when never heard')),
})

export const pingNode = object('an address outside the pair that tells whether our network works', {
  address: text('IPv4 or IPv6'),
  source: oneOf('where it was named', ['config', 'gateway', 'dns']),
  state: oneOf('how it does', ['answering', 'silent', 'never-answered']),
  lossRatio,
  roundTripMs: nullable(roundTrip),
  reflects: nullable(truth('carries heartbeats to the peer; null when not tried yet')),
})

export const floatingIp = object('an address that follows the active', {
  address: text('IPv4 or IPv6'),
  prefixLength: count('of the network'),
  interface: text('that carries it'),
  label: nullable(text('IPv4 alias name')),
  present: truth('the kernel of this node has it now'),
  verified: nullable(truth('a look after the last change found what it should; null: not looked')),
  lastAnnouncedMsAgo: nullable(number('gratuitous ARP or neighbour advertisement')),
})
