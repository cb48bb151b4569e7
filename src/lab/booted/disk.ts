/**
 * What is on a machine's disk? The image below, and all that the machine wrote on top of it.
 *
 * The upper layer lies on a tmpfs of the machine's own, so a disk can be full without this machine's being
 * so, and writing is never slow. It survives a power cut whole, also what no fsync asked for: what
 * that costs a database is measured elsewhere.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { must } from '../process.ts'

const SIZE = '1536m'

/**
 * Mounts a new disk with the image's content.
 *
 * @param directory  of the lab, where both layers and the result are mounted; the lab unmounts them
 * @returns root of the machine's file system
 */
export async function makeDisk(image: string, directory: string): Promise<string> {
  const [disk, root] = [join(directory, 'disk'), join(directory, 'root')]
  for (const place of [disk, root]) mkdirSync(place, { recursive: true, mode: 0o755 })
  const size = `size=${SIZE},mode=0755`
  await must('make a disk', ['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', disk])
  for (const layer of ['upper', 'work']) mkdirSync(join(disk, layer), { mode: 0o755 })
  const layers = `lowerdir=${image},upperdir=${disk}/upper,workdir=${disk}/work`
  await must('lay the image below', ['mount', '-t', 'overlay', '-o', layers, 'overlay', root])
  return root
}

/** Writes a file on the disk of a machine that is off. */
export function writeOnDisk(root: string, path: string, text: string, mode = 0o644): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text, { mode })
}

/** Copies one of our files or directories to a disk. */
export function copyToDisk(root: string, from: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  cpSync(from, join(root, path), { recursive: true })
}
