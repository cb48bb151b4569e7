/**
 * What became of what an operator asked? Each request followed to its end, step by step.
 *
 * Nothing is decided here: a request becomes an `ask` or a `maintenance` event of the core
 * (`operation-move.ts`), or an order to stores or services, and what came of it is told.
 */
import { randomUUID } from 'node:crypto'
import type { OperationDocument, OperationRequest, StatusDocument } from '../control/schema.ts'
import { peerOf } from '../core/policy.ts'
import { dataRefusal, orderOf } from './data-operation.ts'
import { maintain, move } from './operation-move.ts'
import { type Operation, type OperationPorts, Run } from './operation-run.ts'
import type { DrainOrder, ServiceOrder } from './service-message.ts'
import { serviceRefusal } from './service-operation.ts'

/** Operations kept for those who ask later. */
const KEPT_MAX = 100

export class Operations {
  readonly #ports: OperationPorts
  readonly #kept = new Map<string, Operation>()

  constructor(ports: OperationPorts) {
    this.#ports = ports
  }

  find(id: string): OperationDocument | null {
    return this.#kept.get(id) ?? null
  }

  /** Those that did not come to their end yet. */
  get underWay(): NonNullable<StatusDocument['operations']> {
    return [...this.#kept.values()].flatMap(({ id, kind, state }) =>
      state === 'accepted' || state === 'waiting' || state === 'running'
        ? [{ id, kind, state }]
        : [],
    )
  }

  /** Accepts a request; it is followed in the background. */
  begin(request: OperationRequest): OperationDocument {
    const operation: Operation = {
      schema: 1,
      id: randomUUID(),
      kind: request.kind,
      node: request.node ?? this.#ports.config().node,
      state: 'accepted',
      steps: [],
      reason: null,
    }
    this.#kept.set(operation.id, operation)
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value ?? '')
    const run = new Run(this.#ports, operation, request)
    follow(run).catch((error: unknown) => {
      run.end('failed', {
        code: 'internal',
        sentence: error instanceof Error ? error.message : String(error),
        mend: 'look at the log of the agent',
      })
    })
    return operation
  }
}

async function follow(run: Run): Promise<void> {
  const { request, operation } = run
  switch (request.kind) {
    case 'data-archive':
    case 'data-rejoin':
      return followData(run, request)
    case 'service':
      return followServices(run, { verb: request.verb, service: request.service })
    case 'drain':
      return followServices(run, { verb: 'drain', on: request.on })
    case 'reload':
      return followReload(run)
    case 'maintenance':
      return maintain(run, request.on)
    case 'make-active':
      return move(run, operation.node)
    case 'make-standby':
      return move(run, peerOf(operation.node))
  }
}

async function followData(run: Run, request: Parameters<typeof orderOf>[0]): Promise<void> {
  const { ports } = run
  const refused = dataRefusal(request, await ports.snapshot(), ports.config())
  if (refused !== null) return run.end('refused', refused)
  run.become('running')
  const failed = await ports.data(orderOf(request), (sentence) => run.step(sentence))
  if (failed === null) return run.end('done')
  run.end('failed', {
    code: `${request.kind}-failed`,
    sentence: `${request.store} ${failed}`,
    mend: 'once that is out of the way, ask again; how it is now: tandem data show',
  })
}

async function followServices(run: Run, order: ServiceOrder | DrainOrder): Promise<void> {
  const { ports } = run
  const refused = serviceRefusal(order, ports.config())
  if (refused !== null) return run.end('refused', refused)
  run.become('running')
  const failed = await ports.services(order, (sentence) => run.step(sentence))
  if (failed === null) return run.end('done')
  const drains = order.verb === 'drain'
  run.end('failed', {
    code: drains ? 'drain-not-known' : 'service-failed',
    sentence: failed,
    mend: `how it is now: tandem ${drains ? '' : 'service '}status`,
  })
}

async function followReload(run: Run): Promise<void> {
  run.become('running')
  const refused = await run.ports.reload((sentence) => run.step(sentence))
  if (refused === null) return run.end('done')
  run.end('refused', refused)
}
