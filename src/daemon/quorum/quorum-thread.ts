/**
 * Who speaks with the witness, or with the fence? A thread of its own, so that neither the heart nor anybody else
 * waits for them.
 *
 * Beside a witness it runs in the real-time class, below the heart: a lease that hangs on the witness must not end
 * because something else keeps the processors.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { FenceConfig, WitnessConfig } from '../../config/quorum.ts'
import type { QuorumSnapshot } from '../../control/quorum-snapshot.ts'
import { type NodeName, peerOf, type Timing } from '../../core/policy.ts'
import { FenceAgent } from '../../resources/fence-agent.ts'
import { native } from '../../system/native.ts'
import type { Happening } from '../loop.ts'
import type { Severity } from '../message.ts'
import { FenceKeeper } from './fence-keeper.ts'
import { WitnessWatch } from './witness-watch.ts'

/** What the main thread hands over at start. */
export interface QuorumThreadData {
  node: NodeName
  /** Of this start, as in our heartbeats. */
  boot: string
  timing: Timing
  witness: WitnessConfig | null
  fence: FenceConfig | null
  realtimePriority: number | null
}

export type ToQuorum =
  | { type: 'ask-witness'; attempt: number }
  | { type: 'fence' }
  /** The peer is heard again. */
  | { type: 'spare' }
  | { type: 'stop' }

export type FromQuorum =
  | { type: 'happened'; happening: Happening }
  | { type: 'view'; view: QuorumSnapshot }
  | { type: 'log'; severity: Severity; event: string; text: string }
  | { type: 'stopped' }

const VIEW_MS = 250
const LOOK_MS = 1_000

const port = parentPort as MessagePort
const data = workerData as QuorumThreadData

function tell(message: FromQuorum): void {
  port.postMessage(message)
}

const take = (happening: Happening): void => tell({ type: 'happened', happening })

function openWitness(): WitnessWatch | null {
  const { witness, node, boot, timing } = data
  if (witness === null) return null
  return new WitnessWatch({
    ...{ node, boot, timing, witness, take },
    now: native.bootTimeMs,
    log: (severity, text) => tell({ type: 'log', severity, event: 'witness', text }),
  })
}

function openFence(): FenceKeeper | null {
  const { fence, node } = data
  if (fence === null) return null
  const { agent, timeoutMs, plugs } = fence
  return new FenceKeeper({
    agent,
    power: new FenceAgent({ agent, timeoutMs, ...plugs[peerOf(node)] }),
    now: native.bootTimeMs,
    fenced: (off) => take({ type: 'fenced', off }),
    log: (severity, text) => tell({ type: 'log', severity, event: 'fence', text }),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  })
}

if (data.realtimePriority !== null) {
  try {
    native.setRealtime(data.realtimePriority)
  } catch {
    // Said once, by the heart, which could not either.
  }
}
const witness = openWitness()
const fence = openFence()
setInterval(() => {
  const view = { witness: witness?.snapshot ?? null, fence: fence?.snapshot ?? null }
  tell({ type: 'view', view })
}, VIEW_MS)
if (fence !== null) setInterval(() => void fence.look(), LOOK_MS)

port.on('message', (message: ToQuorum) => {
  switch (message.type) {
    case 'ask-witness':
      witness?.ask(message.attempt)
      return
    case 'fence':
      void fence?.fence()
      return
    case 'spare':
      fence?.spare()
      return
    case 'stop':
      witness?.close()
      fence?.spare()
      tell({ type: 'stopped' })
      return
  }
})
await witness?.start()
