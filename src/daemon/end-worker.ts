/**
 * How does a thread of the agent end? It is told to, given the time to finish, and then ended.
 */
import type { Worker } from 'node:worker_threads'
import { inTime } from './in-time.ts'

/** For a thread to end that has nothing left to do. */
const END_LIMIT_MS = 500

/**
 * @param order     the message that tells it; it answers with one of type `stopped` when it has finished
 * @param finishMs  how long that may take
 * @returns whether it ended; false when it hangs in the kernel or in a disk
 */
export async function endWorker(
  worker: Worker,
  order: { type: string },
  finishMs: number,
): Promise<boolean> {
  const stopped = new Promise<void>((resolve) => {
    worker.on('message', (message: { type: string }) => {
      if (message.type === 'stopped') resolve()
    })
  })
  worker.postMessage(order)
  await inTime(stopped, finishMs)
  return inTime(worker.terminate(), END_LIMIT_MS)
}
