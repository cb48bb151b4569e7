/** Goal: one sentence per level, with no figure of the moment in it. */
import { expect, test } from 'vitest'
import type { SpaceSnapshot } from '../../src/control/snapshot.ts'
import { formatBytes, spaceSentence } from '../../src/control/space-sentence.ts'

const GIB = 1024 ** 3
const SPACE: SpaceSnapshot = {
  ...{ directory: '/var/lib/redis', freeBytes: 5 * GIB, totalBytes: 100 * GIB },
  ...{ lowBytes: 2 * GIB, criticalBytes: 0.5 * GIB, state: 'enough', fullInMs: 4711 },
}

test('each level has its sentence with its mend, and enough has none', () => {
  const sentences = (['enough', 'low', 'critical'] as const).map((state) =>
    spaceSentence({ ...SPACE, state }),
  )
  expect(sentences).toEqual([
    null,
    'less than 2.0 GiB of the 100 GiB in /var/lib/redis are free or it is full within minutes; free some space',
    'less than 512 MiB of the 100 GiB in /var/lib/redis are free or it is about to be full: this node hands over, or refuses being handed to, while the other one has more; free some space',
  ])
})

test('bytes are told in three digits at the most', () => {
  const told = [0, 999, 1000, 5_295_308.8, 0.5 * GIB, 1.26 * GIB, 4000 * GIB].map(formatBytes)
  expect(told).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 KiB',
    '5.0 MiB',
    '512 MiB',
    '1.3 GiB',
    '3.9 TiB',
  ])
})
