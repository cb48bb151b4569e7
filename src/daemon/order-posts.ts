/**
 * Orders of operators on their way to a thread that carries them out, each with whoever follows it.
 */

/** What is told about an order on its way. */
export type OrderNews = { type: 'step'; sentence: string } | { type: 'end'; failed: string | null }

export class OrderPosts<Order> {
  readonly #send: (id: number, order: Order) => void
  readonly #following = new Map<number, (news: OrderNews) => void>()
  #next = 1

  constructor(send: (id: number, order: Order) => void) {
    this.#send = send
  }

  /** @returns what went wrong; null when it is done */
  send(order: Order, step: (sentence: string) => void): Promise<string | null> {
    const id = this.#next
    this.#next += 1
    return new Promise((resolve) => {
      this.#following.set(id, (news) => {
        if (news.type === 'step') return step(news.sentence)
        this.#following.delete(id)
        resolve(news.failed)
      })
      this.#send(id, order)
    })
  }

  hear(id: number, news: OrderNews): void {
    this.#following.get(id)?.(news)
  }
}
