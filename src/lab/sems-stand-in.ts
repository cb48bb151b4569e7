/**
 * Program: stands in for SEMS, which Debian does not have, on a node of the lab. It is no SEMS: it answers
 * OPTIONS, and says `Active calls: 0` where the statistics of SEMS would be asked.
 *
 *     sems-stand-in.js ADDRESS SIP_PORT STATS_PORT
 *
 * `grow MIB` to the statistics port makes it use so much memory more, as a leaking SEMS would.
 */
import { createSocket } from 'node:dgram'
import { answerOptions } from './options-answer.ts'

const [address = '', sipPort = '', statsPort = ''] = process.argv.slice(2)
const MIB = 1024 * 1024
const kept: Buffer[] = []

answerOptions(address, Number(sipPort), 'SEMS stand-in')

const statistics = createSocket('udp4')
statistics.on('message', (request, from) => {
  const question = request.toString('latin1').trim()
  const grow = /^grow (\d+)$/.exec(question)?.[1]
  // Filled, for memory that was never touched is not resident.
  if (grow !== undefined) kept.push(Buffer.alloc(Number(grow) * MIB, 1))
  const answer = question === 'calls' ? 'Active calls: 0\n' : `${kept.length} times grown\n`
  statistics.send(answer, from.port, from.address)
})
statistics.bind(Number(statsPort), address)
