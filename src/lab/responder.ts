/**
 * Program: answers every UDP question with the name of the machine it runs on.
 *
 * One socket per address, so that the answer comes from the very address that was asked (Node cannot
 * choose the source of a single datagram). Floating addresses are bound before the node has them
 * (`ip_nonlocal_bind`); what is asked then decides the kernel, and the pair's gate.
 *
 * Argument: JSON {name, port, addresses}.
 */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { literalLookup } from './literal-lookup.ts'

interface Order {
  name: string
  port: number
  addresses: string[]
}

const order = JSON.parse(process.argv[2] ?? '') as Order
const name = Buffer.from(order.name)

for (const address of order.addresses) {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', lookup: literalLookup })
  socket.on('message', (question, from) => {
    // A refused sending (no address, no route, shut gate) is an answer that does not arrive.
    socket.send([question, name], from.port, from.address, () => {})
  })
  socket.on('error', (error) => {
    process.stderr.write(`responder ${order.name} at ${address}: ${error.message}\n`)
  })
  socket.bind({ address, port: order.port })
}
