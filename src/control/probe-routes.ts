/**
 * What does a load-balancer or a script ask? One word and a status code, nothing to be parsed.
 *
 *   /active     200 while this node serves behind an open gate
 *   /standby    200 while it stands by, able to serve
 *   /readiness  200 in either case
 *   /health     200 while no alarm is raised
 *   /liveness   200 while the heart answers
 *
 * Otherwise 503, also when the heart does not answer: no answer would mean waiting for a time-out.
 */
import type { StatusDocument } from './schema.ts'
import type { ControlServer } from './server.ts'

interface Probe {
  path: string
  /** For the OpenAPI document. */
  summary: string
  holds(status: StatusDocument): boolean
  says(status: StatusDocument): string
}

const state = ({ local }: StatusDocument): string => local.state
const isActive = ({ local }: StatusDocument): boolean => local.state === 'active'
const standsBy = ({ local }: StatusDocument): boolean => local.state === 'standby' && local.able

export const PROBES: readonly Probe[] = [
  { path: '/active', summary: '200 while this node serves', holds: isActive, says: state },
  {
    path: '/standby',
    summary: '200 while it stands by, able to serve',
    holds: standsBy,
    says: state,
  },
  {
    path: '/readiness',
    summary: '200 while this node serves, or could take over',
    holds: (status) => isActive(status) || standsBy(status),
    says: state,
  },
  {
    path: '/health',
    summary: '200 while no alarm is raised',
    holds: ({ alarms }) => alarms.length === 0,
    says: ({ alarms }) => (alarms.length === 0 ? 'well' : `alarms ${alarms.length}`),
  },
  {
    path: '/liveness',
    summary: '200 while the heart of the agent answers',
    holds: () => true,
    says: () => 'alive',
  },
]

/** @param status  rejects when the heart is silent */
export function addProbeRoutes(app: ControlServer, status: () => Promise<StatusDocument>): void {
  for (const { path, holds, says } of PROBES) {
    app.get(path, async (_request, reply) => {
      const found = await status().catch(() => null)
      reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store')
      if (found === null) return reply.code(503).send('silent\n')
      return reply.code(holds(found) ? 200 : 503).send(`${says(found)}\n`)
    })
  }
}
