/**
 * A small disk of its own for the files of a server in the lab, that can be filled and emptied.
 *
 * A file system in memory is put where the files are, and they are moved into it; to be done while the
 * server does not run. It goes with the lab: everything mounted below its directory is unmounted there.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'

const MIB = 1024 ** 2
const BLOCK = Buffer.alloc(MIB, 0x5a)

export class SmallDisk {
  readonly directory: string
  readonly #filler: string

  private constructor(directory: string) {
    this.directory = directory
    this.#filler = `${directory}/filler`
  }

  /** @param sizeMb  beyond what is there already */
  static put(directory: string, sizeMb: number): SmallDisk {
    const usedMb = Number(
      execFileSync('du', ['-sm', directory], { encoding: 'utf8' }).split('\t')[0],
    )
    const size = `size=${usedMb + sizeMb}m,mode=0700`
    execFileSync('sh', [
      '-ec',
      'mv "$1" "$1.old"; mkdir "$1"; mount -t tmpfs -o "$2" small "$1"; cp -a "$1.old/." "$1"; rm -rf "$1.old"',
      ...['sh', directory, size],
    ])
    return new SmallDisk(directory)
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize
  }

  /** Writes until only so much is free, or nothing. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#filler, 'a')
    try {
      for (;;) {
        const left = this.freeBytes - leaveBytes
        if (left <= 0) return
        writeSync(file, BLOCK, 0, Math.min(MIB, left))
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  empty(): void {
    rmSync(this.#filler, { force: true })
  }
}
