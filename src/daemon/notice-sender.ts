/**
 * The process that sends one notice: reads what and where from standard input, prints what became of it. Started by
 * `notice-process.ts`; ends with 0 whenever it can say that.
 */
import { deliver } from './notice-channel.ts'
import type { SendOrder } from './notice-process.ts'

let text = ''
for await (const piece of process.stdin) text += String(piece)
const { channel, notice, limitMs } = JSON.parse(text) as SendOrder
const delivery = await deliver(channel, notice, limitMs)
process.stdout.write(JSON.stringify(delivery), () => process.exit(0))
