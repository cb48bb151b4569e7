/**
 * How are many pairs handled at once, and never more than so many? Each worker takes the next one that waits.
 */

/** @returns what came of each, in the order of the items, however they ended */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  parallel: number,
  handle: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const waiting = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next
      results[index] = await handle(item)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return results
}
