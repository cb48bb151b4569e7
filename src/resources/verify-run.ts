/**
 * How does a comparison come to its end? Whatever it was stopped by is a value, and its connections are
 * closed.
 */
import type { StoreFault } from './replicated-store.ts'
import { StoreFailure } from './store-result.ts'
import type { VerifyEnd, VerifyRequest } from './verify-tally.ts'

export interface VerifyWork {
  compare(request: VerifyRequest): Promise<VerifyEnd>
  /** What an error of the server means; null: it is none. */
  faultOf?(failure: unknown): StoreFault | null
  close(): void
}

/** @throws whatever is no fault of a store */
export async function runVerify(request: VerifyRequest, work: VerifyWork): Promise<VerifyEnd> {
  let begun = false
  const step: VerifyRequest['step'] = (progress, at) => {
    begun = true
    request.step(progress, at)
  }
  try {
    return await work.compare({ ...request, step })
  } catch (failure) {
    const fault =
      failure instanceof StoreFailure ? failure.fault : (work.faultOf?.(failure) ?? null)
    if (fault === null) throw failure
    return { type: 'failed', fault, begun }
  } finally {
    work.close()
  }
}
