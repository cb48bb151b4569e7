/**
 * Is it done in time? For what the agent waits for while it ends: a disk or a kernel that hangs must not
 * keep it from ending.
 */

/**
 * Waits for some work, but no longer than the limit. How it ended is not asked, a failure is an end too.
 *
 * @returns whether it ended in time
 */
export async function inTime(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs)
  })
  const ended = work.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([ended, limit])
  clearTimeout(timer)
  return inTime
}
