/**
 * May an operator ask for this of the services, or of the load-balancers in front of them? As far as the
 * configuration tells; the rest is told by whoever carries it out.
 */
import type { PairConfig } from '../config/config.ts'
import type { OperationDocument } from '../control/schema.ts'
import type { DrainOrder, ServiceOrder } from './service-message.ts'

/** @returns null when nothing stands in the way */
export function serviceRefusal(
  order: ServiceOrder | DrainOrder,
  { services, loadBalancers }: Pick<PairConfig, 'services' | 'loadBalancers'>,
): OperationDocument['reason'] {
  if (order.verb === 'drain') {
    if (loadBalancers.length > 0) return null
    return {
      code: 'no-load-balancers',
      sentence: 'no load-balancer is configured',
      mend: 'name one below tandem.load_balancers in config.yml, and restart the agent',
    }
  }
  const known = services.map(({ name }) => name)
  if (known.length === 0) {
    return {
      code: 'no-services',
      sentence: 'no service is configured',
      mend: 'name one below tandem.services in config.yml, then: tandem reload',
    }
  }
  if (order.service === null || known.includes(order.service)) return null
  return {
    code: 'service-unknown',
    sentence: `there is no service ${order.service}`,
    mend: `name one of: ${known.join(', ')}`,
  }
}
