/**
 * How does a stream of events leave the agent? `GET /v1/events`, until one of the two ends it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { EventSink } from './events.ts'
import type { ControlServer } from './server.ts'

/** Who has not read so much is cut off; he comes back with the id of the last he saw. */
const UNREAD_MAX_BYTES = 512 * 1024

/**
 * @param open  begins a stream; null when there are too many
 * @param full  answers whoever is one too many
 */
export function addEventRoute(
  app: ControlServer,
  open: (sink: EventSink, lastId: string | null) => (() => void) | null,
  full: (reply: FastifyReply) => FastifyReply,
): void {
  app.route({
    method: 'GET',
    url: '/v1/events',
    exposeHeadRoute: false,
    handler: (request: FastifyRequest, reply): FastifyReply => {
      const given = request.headers['last-event-id']
      const begun: string[] = []
      let started = false
      const write = (text: string): void => {
        const { raw } = reply
        if (!started) begun.push(text)
        else if (raw.writableLength > UNREAD_MAX_BYTES) raw.destroy()
        else raw.write(text)
      }
      const close = open({ write }, typeof given === 'string' ? given : null)
      if (close === null) return full(reply)
      reply.hijack()
      reply.raw.once('close', close)
      reply.raw.once('error', close)
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      started = true
      for (const text of begun) write(text)
      return reply
    },
  })
}
