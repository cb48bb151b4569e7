/**
 * Who is asked for what? One effect, one door. Nothing is decided here.
 */
import type { Effect } from '../core/effect.ts'
import type { Ports } from './ports.ts'

/**
 * Carries out or starts one effect.
 *
 * @returns false when the gate refused it (K4)
 */
export function carryOut(effect: Effect, ports: Ports): boolean {
  switch (effect.type) {
    case 'occupy':
      return ports.gate.occupy(effect.deadlineMs, effect.first).done
    case 'open':
      return ports.gate.open(effect.deadlineMs, effect.takeover).done
    case 'extend':
      return ports.gate.extend(effect.deadlineMs).done
    case 'close':
      return ports.gate.close().done
    case 'send':
      ports.send(effect.heartbeat, effect.reflect)
      return true
    case 'ping':
      ports.ping(effect.round)
      return true
    case 'probe':
      ports.probe()
      return true
    case 'persist':
      ports.persist(effect.ticket, { term: effect.term, sole: effect.sole })
      return true
    case 'promote':
      ports.promote()
      return true
    case 'demote':
      ports.demote()
      return true
    case 'freeze':
      ports.freeze()
      return true
    case 'unfreeze':
      ports.unfreeze()
      return true
    case 'ask-witness':
      ports.askWitness(effect.attempt)
      return true
    case 'fence':
      ports.fence()
      return true
    case 'set-aside':
      ports.setAside()
      return true
    case 'confirm':
      ports.confirm(effect.alone)
      return true
  }
}
