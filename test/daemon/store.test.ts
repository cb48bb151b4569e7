/**
 * Goal: a term that was told as written is on disk, and whatever the disk does is told and gone through.
 * Method: real files; a tmpfs of a few pages for the full disk (root only); fake timers for the retry.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HardState } from '../../src/core/state.ts'
import { Store, type StoreEvents } from '../../src/daemon/store.ts'
import { decodeFile, encodeSlot, FILE_SIZE, slotOffset } from '../../src/wire/hard-state.ts'

let directory = ''
const open: Store[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tandem-store-'))
})
afterEach(async () => {
  vi.useRealTimers()
  for (const store of open.splice(0)) await store.close(1_000)
  rmSync(directory, { recursive: true, force: true })
})

/** What a store told, and a way to wait for it without a clock. */
class Told implements StoreEvents {
  readonly tickets: number[] = []
  readonly troubles: (string | null)[] = []
  #wake: () => void = () => {}

  persisted(ticket: number): void {
    this.tickets.push(ticket)
    this.#wake()
  }

  trouble(message: string | null): void {
    this.troubles.push(message)
    this.#wake()
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

async function opened(told: StoreEvents = new Told(), at = directory): Promise<Store> {
  const store = await Store.open(at, told)
  open.push(store)
  return store
}
const file = (): string => join(directory, 'hard-state')
const hard = (term: number, sole = false): HardState => ({ term, sole })
const onDisk = () => decodeFile(readFileSync(file()))

describe('at start', () => {
  test('a missing directory and file are made, private, at full size, and told as lost', async () => {
    const at = join(directory, 'a/b')
    const store = await opened(new Told(), at)
    expect([store.found, store.hard]).toEqual([{ kind: 'lost' }, hard(0)])
    expect(statSync(at).mode & 0o777).toBe(0o700)
    const { mode, size, blocks } = statSync(join(at, 'hard-state'))
    expect([mode & 0o777, size]).toEqual([0o600, FILE_SIZE])
    // Real zeroes: blocks of 512 bytes are there before the disk is full.
    expect(blocks * 512).toBeGreaterThanOrEqual(FILE_SIZE)
  })

  test('a blank file is a lost one, and is not kept aside', async () => {
    await (await opened()).close(1_000)
    expect((await opened()).found).toEqual({ kind: 'lost' })
    writeFileSync(file(), '')
    expect((await opened()).found).toEqual({ kind: 'lost' })
    expect(readdirSync(directory)).toEqual(['hard-state'])
  })

  test('what was written is read again, by the newer of both slots', async () => {
    const told = new Told()
    const first = await opened(told)
    for (const ticket of [1, 2, 3]) {
      first.persist(ticket, hard(2 * ticket + 1, ticket === 3))
      await told.until(() => told.tickets.includes(ticket))
    }
    await first.close(1_000)
    const second = await opened()
    expect([second.found, second.hard]).toEqual([{ kind: 'read' }, hard(7, true)])
  })

  test('a torn slot costs what was being written, and is the next to be written', async () => {
    const bytes = Buffer.alloc(FILE_SIZE)
    encodeSlot({ counter: 6, hard: hard(5) }).copy(bytes, slotOffset(6))
    encodeSlot({ counter: 7, hard: hard(7) }).copy(bytes, slotOffset(7))
    bytes.fill(0, slotOffset(7) + 20, slotOffset(7) + 64)
    writeFileSync(file(), bytes)
    const told = new Told()
    const store = await opened(told)
    expect([store.found, store.hard]).toEqual([{ kind: 'read' }, hard(5)])
    store.persist(1, hard(9))
    await told.until(() => told.tickets.length === 1)
    expect(onDisk()).toEqual({ counter: 7, hard: hard(9) })
    const other = readFileSync(file()).subarray(0, 64)
    expect(other).toEqual(encodeSlot({ counter: 6, hard: hard(5) }))
  })

  test('with both slots corrupt the file is kept aside, told, and begun anew', async () => {
    const bytes = Buffer.alloc(FILE_SIZE, 0x5a)
    writeFileSync(file(), bytes)
    const store = await opened()
    expect(store.hard).toEqual(hard(0))
    const { found } = store
    if (found.kind !== 'corrupt') throw new Error(found.kind)
    expect(found.keptAs).toMatch(/hard-state\.corrupt-\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z$/)
    expect(readFileSync(found.keptAs)).toEqual(bytes)
    expect(readFileSync(file())).toEqual(Buffer.alloc(FILE_SIZE))
    expect((await opened()).found).toEqual({ kind: 'lost' })
  })

  test('a directory that cannot be used is an error with its code', async () => {
    writeFileSync(join(directory, 'plain'), '')
    const failed = Store.open(join(directory, 'plain'), new Told())
    await expect(failed).rejects.toMatchObject({ code: 'EEXIST' })
  })
})

describe('writing', () => {
  test('is told after it is on disk, never before', async () => {
    const seen: unknown[] = []
    const told = new Told()
    const store = await opened({
      persisted: (ticket) => {
        seen.push([ticket, onDisk()?.hard])
        told.persisted(ticket)
      },
      trouble: (message) => told.trouble(message),
    })
    store.persist(1, hard(3))
    expect(store.hard).toEqual(hard(0))
    await told.until(() => told.tickets.length === 1)
    expect(seen).toEqual([[1, hard(3)]])
    expect(store.hard).toEqual(hard(3))
  })

  test('goes one at a time, and of those that wait only the newest is written', async () => {
    const told = new Told()
    const store = await opened(told)
    for (const ticket of [1, 2, 3, 4]) store.persist(ticket, hard(2 * ticket + 1))
    await told.until(() => told.tickets.includes(4))
    expect(told.tickets).toEqual([1, 4])
    expect(onDisk()).toEqual({ counter: 2, hard: hard(9) })
  })

  test('that was asked for while a write was told is not forgotten', async () => {
    const told = new Told()
    const stores: Store[] = []
    const store = await opened({
      persisted: (ticket) => {
        told.persisted(ticket)
        if (ticket < 3) stores[0]?.persist(ticket + 1, hard(ticket + 10))
      },
      trouble: () => {},
    })
    stores.push(store)
    store.persist(1, hard(1))
    await told.until(() => told.tickets.includes(3))
    expect(told.tickets).toEqual([1, 2, 3])
    expect(onDisk()).toEqual({ counter: 3, hard: hard(12) })
  })
})

test('a file that is removed under the running agent is told and made again with the next term', async () => {
  const told = new Told()
  const store = await opened(told)
  store.persist(1, hard(3))
  await told.until(() => told.tickets.includes(1))
  rmSync(directory, { recursive: true })
  store.persist(2, hard(5, true))
  await told.until(() => told.tickets.includes(2))
  expect(told.troubles).toEqual([null, 'the hard state was removed; it is made again', null])
  await store.close(1_000)
  expect((await opened()).hard).toEqual(hard(5, true))
})

test('a mistake of whoever is told is a mistake, and not taken for a failing disk', async () => {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    const troubles: (string | null)[] = []
    const mistake = new Promise((resolve) => {
      process.once('unhandledRejection', resolve)
    })
    const store = await opened({
      persisted: () => {
        throw new Error('invariant broken')
      },
      trouble: (message) => troubles.push(message),
    })
    store.persist(1, hard(3))
    expect(await mistake).toEqual(new Error('invariant broken'))
    expect(troubles).toEqual([null])
  } finally {
    for (const listener of others) process.on('unhandledRejection', listener)
  }
})

test('a store that is closed gives a failing write up, so that the agent can end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const told = new Told()
  const store = await opened(told)
  await store.close(1_000)
  store.persist(1, hard(3))
  await vi.advanceTimersByTimeAsync(10_000)
  expect([told.tickets, told.troubles, vi.getTimerCount()]).toEqual([[], [], 0])
})

test('a store whose disk hangs is left open at the limit, and says so', async () => {
  // Closing a file waits for what was begun on it: here for ever.
  const hangs = new Promise<void>(() => {})
  const store = await Store.open(directory, new Told(), async (path, flags, mode) => {
    const file = await openFile(path, flags, mode)
    return new Proxy(file, {
      get: (real, key) => {
        if (key === 'close') return () => hangs
        const value: unknown = Reflect.get(real, key)
        return typeof value === 'function' ? value.bind(real) : value
      },
    })
  })
  expect(await store.close(20)).toBe(false)
  expect(await (await opened()).close(1_000)).toBe(true)
})

describe.skipIf(process.getuid?.() !== 0)('a full disk', () => {
  let mounted = ''
  const mount = (bytes: number): void => {
    mounted = join(directory, 'disk')
    mkdirSync(mounted)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tandem-test', mounted])
  }
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close(1_000)
    if (mounted !== '') execFileSync('umount', [mounted])
    mounted = ''
  })
  /** Takes every byte that is left. */
  const fill = (): void => {
    const descriptor = openSync(join(mounted, 'ballast'), 'w')
    try {
      for (;;) writeSync(descriptor, Buffer.alloc(4096, 1))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    } finally {
      closeSync(descriptor)
    }
  }

  test('does not keep a term from being written once the file is there', async () => {
    mount(64 * 1024)
    const told = new Told()
    const store = await opened(told, mounted)
    fill()
    for (const ticket of [1, 2, 3]) {
      store.persist(ticket, hard(2 * ticket + 1))
      await told.until(() => told.tickets.includes(ticket))
    }
    expect(told.troubles).toEqual([null, null, null])
    expect(decodeFile(readFileSync(join(mounted, 'hard-state')))?.hard).toEqual(hard(7))
  })

  test.each([0, 4096])(
    'with %i bytes left at the first start is an error, and no half of a file',
    async (left) => {
      mount(16 * 4096)
      fill()
      if (left > 0) {
        const ballast = join(mounted, 'ballast')
        execFileSync('truncate', ['-s', String(statSync(ballast).size - left), ballast])
      }
      await expect(Store.open(mounted, new Told())).rejects.toMatchObject({ code: 'ENOSPC' })
    },
  )

  test('that takes the file away too is told once a second, until the write works again', async () => {
    mount(16 * 4096)
    const told = new Told()
    const store = await opened(told, mounted)
    // Holes again: what was kept free for us is gone.
    execFileSync('truncate', ['-s', '0', join(mounted, 'hard-state')])
    fill()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    store.persist(1, hard(3))
    store.persist(2, hard(5))
    await told.until(() => told.troubles.length === 1)
    expect(told.troubles[0]).toContain('ENOSPC')
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(999)
    expect(told.troubles.length).toBe(1)
    vi.advanceTimersByTime(1)
    await told.until(() => told.troubles.length === 2)
    expect(store.hard).toEqual(hard(0))
    rmSync(join(mounted, 'ballast'))
    vi.advanceTimersByTime(1_000)
    await told.until(() => told.tickets.length === 1)
    // The older wish was overtaken while its write failed.
    expect(told.tickets).toEqual([2])
    expect(told.troubles.at(-1)).toBeNull()
    expect(store.hard).toEqual(hard(5))
  })
})
