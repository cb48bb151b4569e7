/**
 * Does the LAN deliver a floating IP to us?
 *
 * An echo request to a ping node, sent from the floating IP: the answer goes to whoever the LAN takes
 * for its owner. That it comes back here, with the random bytes we sent, is the proof; that the
 * address stands on our interface would only be our own opinion.
 */
import type { AddressFamily } from '../config/config.ts'
import { fillEcho, prepareEcho, readEchoReply } from '../wire/icmp.ts'
import { addressBytes, addressKey } from '../wire/ip-address.ts'
import type { IcmpPorts, PingNodeAddress } from './ping-nodes.ts'

const NONCE_BYTES = 8
/** Sendings to each ping node within the time limit; one may be lost, or be too early by a moment. */
const SENDINGS = 4

export type Verdict = 'verified' | 'unanswered'

export interface AddressVerifierOptions {
  pingNodes: readonly PingNodeAddress[]
  icmp: IcmpPorts
  /** Differs from that of the ping rounds and of the reflected path. */
  identifier: number
}

export class AddressVerifier {
  readonly #options: AddressVerifierOptions
  /** By the random bytes in their requests. */
  readonly #waiting = new Map<string, (source: string) => void>()
  #sequence = 0

  constructor(options: AddressVerifierOptions) {
    this.#options = options
    for (const family of [4, 6] as const)
      options.icmp[family]?.listen(options.identifier, (bytes, source) => {
        const reply = readEchoReply(family, bytes)
        if (reply?.payload.length === NONCE_BYTES)
          this.#waiting.get(reply.payload.toString('hex'))?.(source)
      })
  }

  /**
   * Asks all ping nodes of the address's family; one answer is enough.
   *
   * @param address    an address of ours, numeric
   * @param timeoutMs  whole time, repeats included
   * @returns 'unanswered' also when no ping node is of that family
   */
  verify(address: string, timeoutMs: number): Promise<Verdict> {
    const family: AddressFamily = addressBytes(address)?.length === 16 ? 6 : 4
    const port = this.#options.icmp[family]
    const targets = this.#options.pingNodes.filter((node) => node.family === family)
    if (port === null || targets.length === 0) return Promise.resolve('unanswered')

    const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
    const asked = new Set(targets.map((node) => addressKey(node.address)))
    const send = (): void => {
      for (const node of targets) {
        const packet = prepareEcho({
          source: address,
          destination: node.address,
          identifier: this.#options.identifier,
          payloadMaxBytes: NONCE_BYTES,
        })
        this.#sequence += 1
        if (packet !== null) port.sendWhole(fillEcho(packet, this.#sequence, nonce), node.address)
      }
    }
    return new Promise((resolve) => {
      const finish = (verdict: Verdict): void => {
        clearInterval(repeat)
        clearTimeout(limit)
        this.#waiting.delete(nonce.toString('hex'))
        resolve(verdict)
      }
      const repeat = setInterval(send, timeoutMs / SENDINGS)
      const limit = setTimeout(finish, timeoutMs, 'unanswered')
      this.#waiting.set(nonce.toString('hex'), (source) => {
        if (asked.has(addressKey(source))) finish('verified')
      })
      send()
    })
  }
}
