/**
 * Goal: the machine is said to be well only while its heart decides, never twice at once, and after an end that was
 * not planned the watchdog goes on. Method: a pretend device, virtual time.
 */
import { expect, test } from 'vitest'
import type { WatchdogConfig } from '../../src/config/config.ts'
import { LOOK_MS, WatchdogKeeper } from '../../src/daemon/watchdog-keeper.ts'
import type { RunningWatchdog } from '../../src/system/watchdog-device.ts'
import { VirtualClock } from '../helpers/virtual-clock.ts'

const CONFIG: WatchdogConfig = {
  ...{ device: '/dev/watchdog', timeoutSeconds: 20 },
}

class Stage {
  readonly clock = new VirtualClock()
  /** What was done to the device, with its moment. */
  readonly done: string[] = []
  readonly logged: string[] = []
  readonly keeper: WatchdogKeeper
  heartDecides = true
  /** What the system answers instead of opening it, and of taking a word. */
  refusesOpen: string | null = null
  refusesWord: string | null = null
  /** How long a word, and opening it, takes. */
  wordMs = 0
  openMs = 0
  atOnceMax = 0
  #atOnce = 0
  #ticks = 0

  constructor(config: Partial<WatchdogConfig> = {}, told: Partial<RunningWatchdog> = {}) {
    this.keeper = new WatchdogKeeper(
      { ...CONFIG, ...config },
      {
        open: (device, seconds) =>
          this.#do(`open ${device} ${seconds}`, this.openMs, this.refusesOpen).then(() => ({
            ...{ identity: 'softdog', magicClose: true, seconds: 20 },
            feed: () => this.#do('word', this.wordMs, this.refusesWord),
            stop: () => this.#do('V', 0, this.refusesWord),
            leave: () => this.#do('leave', 0, null),
            ...told,
          })),
        ticksDecided: () => this.#ticks,
        now: () => this.clock.nowMs,
        log: (severity, event, text) => this.logged.push(`${severity} ${event} ${text}`),
      },
    )
  }

  /** As the control thread and the heart would. */
  async run(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= LOOK_MS) {
      if (this.heartDecides) this.#ticks += 1
      this.keeper.look()
      await this.clock.pass(LOOK_MS)
    }
  }

  /** What was done since the last look, and in which second each. */
  take(): string[] {
    return this.done.splice(0)
  }

  async #do(what: string, tookMs: number, refusal: string | null): Promise<void> {
    this.done.push(`${this.clock.nowMs / 1000} ${what}`)
    this.#atOnce += 1
    this.atOnceMax = Math.max(this.atOnceMax, this.#atOnce)
    if (tookMs > 0) await this.clock.wait(tookMs)
    this.#atOnce -= 1
    if (refusal !== null) throw Object.assign(new Error(refusal), { code: refusal })
  }
}

test('it is opened with its time, and then hears a word every two seconds', async () => {
  const stage = new Stage()
  await stage.run(8_000)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 word', '4 word', '6 word'])
  expect(stage.logged).toEqual([
    'info watchdog /dev/watchdog (softdog) resets this machine when it hears nothing for 20 s',
  ])
  expect(stage.keeper.raised).toEqual([])
  expect(stage.keeper.document).toEqual({
    ...{ device: '/dev/watchdog', identity: 'softdog', timeoutSeconds: 20 },
    ...{ fedMsAgo: 2_000, trouble: null },
  })
})

test('a shorter time than was asked for is kept with four words', async () => {
  const stage = new Stage({}, { seconds: 4 })
  await stage.run(4_000)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '1 word', '2 word', '3 word'])
})

test('one that tells nothing is fed by the time that was asked for', async () => {
  const stage = new Stage(
    { timeoutSeconds: 6 },
    { seconds: null, identity: null, magicClose: null },
  )
  await stage.run(4_500)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 6', '1.5 word', '3 word'])
  expect(stage.keeper.document).toMatchObject({ identity: null, timeoutSeconds: null })
  expect(stage.logged).toEqual([
    'info watchdog /dev/watchdog resets this machine when it hears nothing for a time that it does not tell',
  ])
})

test('while the heart decides nothing it hears nothing, and it is not opened either', async () => {
  const stage = new Stage()
  stage.heartDecides = false
  await stage.run(10_000)
  expect(stage.take()).toEqual([])
  stage.heartDecides = true
  await stage.run(4_000)
  expect(stage.take()).toEqual(['10 open /dev/watchdog 20', '12 word'])
  stage.heartDecides = false
  await stage.run(30_000)
  // What was decided after the last word is told once, and then nothing more.
  expect(stage.take()).toEqual(['14 word'])
  expect(stage.keeper.document.fedMsAgo).toBe(30_000)
  stage.heartDecides = true
  await stage.run(500)
  expect(stage.take()).toEqual(['44 word'])
})

test('a word that takes long is waited for, and one that does not come back is an alarm', async () => {
  const stage = new Stage()
  await stage.run(2_000)
  stage.wordMs = 60_000
  await stage.run(10_000)
  expect(stage.keeper.raised).toEqual([])
  await stage.run(500)
  const hangs = 'watchdog /dev/watchdog: a word to it hangs'
  expect(stage.keeper.raised).toEqual([{ code: 'watchdog', about: '', sentence: hangs }])
  expect(stage.keeper.document.trouble).toBe('a word to it hangs')
  await stage.run(40_000)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 word'])
  stage.wordMs = 0
  await stage.run(12_000)
  expect(stage.take()).toEqual(['62 word', '64 word'])
  expect(stage.keeper.raised).toEqual([])
  expect(stage.atOnceMax).toBe(1)
})

test('opening it may hang as well', async () => {
  const stage = new Stage()
  stage.openMs = 30_000
  await stage.run(11_000)
  expect(stage.keeper.document.trouble).toBe('it hangs while it is opened')
  await stage.run(19_000)
  expect(stage.keeper.raised).toEqual([])
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20'])
})

test.each([
  ['ENOENT', 'there is no such device'],
  ['ENODEV', 'there is no such device'],
  ['EBUSY', 'another program holds it'],
  ['EACCES', 'the agent may not open it'],
  ['EPERM', 'the agent may not open it'],
  ['EIO', 'it cannot be opened (EIO)'],
])('one that cannot be had (%s) is an alarm, and tried again every minute', async (code, why) => {
  const stage = new Stage()
  stage.refusesOpen = code
  await stage.run(70_000)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '60 open /dev/watchdog 20'])
  const sentence = `watchdog /dev/watchdog: ${why}`
  expect(stage.keeper.raised).toEqual([{ code: 'watchdog', about: '', sentence }])
  expect(stage.keeper.document).toEqual({
    ...{ device: '/dev/watchdog', identity: null, timeoutSeconds: null },
    ...{ fedMsAgo: null, trouble: why },
  })
  stage.refusesOpen = null
  await stage.run(60_000)
  expect(stage.take().slice(0, 2)).toEqual(['120 open /dev/watchdog 20', '122 word'])
  expect(stage.keeper.raised).toEqual([])
})

test('one that takes no word any more is opened anew at once, and again until it does', async () => {
  const stage = new Stage()
  await stage.run(2_000)
  stage.refusesWord = 'EIO'
  stage.refusesOpen = 'EBUSY'
  await stage.run(500)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 word', '2 leave'])
  expect(stage.keeper.raised.map(({ sentence }) => sentence)).toEqual([
    'watchdog /dev/watchdog: it takes no word (EIO)',
  ])
  await stage.run(5_500)
  expect(stage.take()).toEqual(['4 open /dev/watchdog 20', '6 open /dev/watchdog 20'])
  stage.refusesWord = null
  stage.refusesOpen = null
  await stage.run(4_000)
  expect(stage.take()).toEqual(['8 open /dev/watchdog 20', '10 word'])
  expect(stage.keeper.raised).toEqual([])
})

test('a planned end stops it with V, once, and nothing is said to it afterwards', async () => {
  const stage = new Stage()
  await stage.run(3_000)
  await stage.keeper.release()
  await stage.keeper.release()
  await stage.run(10_000)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 word', '3 V'])
  expect(stage.logged.at(-1)).toBe(
    'info watchdog /dev/watchdog was told to stop, for the agent ends',
  )
})

test('a planned end waits for the word that is on its way', async () => {
  const stage = new Stage()
  await stage.run(2_000)
  stage.wordMs = 5_000
  await stage.run(1_000)
  let released = false
  void stage.keeper.release().then(() => {
    released = true
  })
  await stage.clock.pass(3_000)
  expect(released).toBe(false)
  await stage.clock.pass(2_000)
  expect(released).toBe(true)
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 word', '7 V'])
  expect(stage.atOnceMax).toBe(1)
})

test('a planned end while it is being opened stops it, too', async () => {
  const stage = new Stage()
  stage.openMs = 2_000
  await stage.run(1_000)
  const released = stage.keeper.release()
  await stage.clock.pass(2_000)
  await released
  expect(stage.take()).toEqual(['0 open /dev/watchdog 20', '2 V'])
})

test('one that cannot be stopped is told in the log', async () => {
  const stage = new Stage()
  await stage.run(1_000)
  stage.refusesWord = 'EIO'
  await stage.keeper.release()
  expect(stage.logged.at(-1)).toBe(
    'error watchdog /dev/watchdog could not be told to stop (EIO): it may reset this machine',
  )
})

test('an end before anything was opened touches nothing', async () => {
  const stage = new Stage()
  await stage.keeper.released
  await stage.keeper.release()
  await stage.run(5_000)
  expect(stage.take()).toEqual([])
})

test('a driver that stops it with its last holder is named as one', async () => {
  const stage = new Stage({}, { magicClose: false })
  await stage.run(500)
  expect(stage.logged).toEqual([
    'info watchdog /dev/watchdog (softdog) resets this machine when it hears nothing for 20 s; ' +
      'its driver stops it when the agent dies',
  ])
})
