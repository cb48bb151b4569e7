/**
 * What resets this machine when nobody speaks to it any more? The door to a watchdog device.
 *
 * Opening it starts it. Every write is a word that all is well; a last letter V before it is closed stops it, unless
 * the driver was loaded with `nowayout`. Everything is done beside the event loop, for a driver may wait for its
 * hardware; whoever asks waits for one answer before it asks again, so at most one thread of the pool is held.
 *
 * @source Documentation/watchdog/watchdog-api.rst of the Linux kernel
 */
import { close, constants, open, stat, write } from 'node:fs'
import { promisify } from 'node:util'
import type { WatchdogTold } from './add-on.ts'
import { watchdogSet } from './native.ts'

/** A watchdog that runs. */
export interface RunningWatchdog extends WatchdogTold {
  /**
   * Says that all is well.
   *
   * @throws what the driver refuses; whether it still counts is then not known
   */
  feed(): Promise<void>
  /** Stops it, where the driver lets it be stopped. */
  stop(): Promise<void>
  /** Lets go of it; it goes on, and resets the machine. */
  leave(): Promise<void>
}

const openFile = promisify(open)
const statFile = promisify(stat)
const writeTo = promisify(write)
const closeFile = promisify(close)

/** Any byte but the letter that stops it. */
const WORD = Buffer.from('\0')
const LAST_WORD = Buffer.from('V')

/**
 * Starts a watchdog.
 *
 * @param seconds  after which time without a word it shall reset the machine; the driver may know better
 * @throws Error  with a code: ENOENT, ENODEV, EACCES, EPERM; EBUSY when another program has it
 */
export async function openWatchdog(device: string, seconds: number): Promise<RunningWatchdog> {
  // What is written into a file of somebody's would be lost.
  if ((await statFile(device)).isFile()) {
    throw Object.assign(new Error('it is a file'), { code: 'ENODEV' })
  }
  // A device does not care; what is none must not hold us up.
  const fd = await openFile(device, constants.O_WRONLY | constants.O_NONBLOCK)
  return {
    ...(await watchdogSet(fd, seconds)),
    feed: async () => {
      await writeTo(fd, WORD)
    },
    stop: async () => {
      try {
        await writeTo(fd, LAST_WORD)
      } finally {
        await closeFile(fd)
      }
    },
    leave: () => closeFile(fd),
  }
}
