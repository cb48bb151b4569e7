/**
 * How is the control thread started? It must listen within its time, or the start of the agent has failed.
 */
import { Worker } from 'node:worker_threads'
import type { ControlThreadData } from './control-thread.ts'
import type { ToHeart } from './message.ts'

const START_LIMIT_MS = 60_000

export interface ControlWorkerOptions {
  data: ControlThreadData
  hear: (message: ToHeart) => void
  fail: (code: string, message: string) => void
}

export function startControl({ data, hear, fail }: ControlWorkerOptions): Worker {
  const control = new Worker(new URL('./control-thread.js', import.meta.url), {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
  })
  const started = setTimeout(() => {
    fail('HA_CONTROL_SILENT', 'the control thread did not come up')
  }, START_LIMIT_MS)
  control.on('message', (message: ToHeart) => {
    if (message.type === 'listening') clearTimeout(started)
    hear(message)
  })
  control.on('error', (error) => fail('HA_CONTROL_DIED', error.message))
  return control
}
