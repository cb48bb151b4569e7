/**
 * Which answer belongs to which question? One thread asks another and waits, but never for ever.
 */
export class Replies<Value> {
  readonly #waiting = new Map<number, (value: Value) => void>()
  #nextId = 1

  /** @throws Error when there is no answer in time */
  ask(send: (id: number) => void, limitMs: number): Promise<Value> {
    const id = this.#nextId
    this.#nextId += 1
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error('the heart of the agent does not answer'))
      }, limitMs)
      this.#waiting.set(id, (value) => {
        clearTimeout(timer)
        resolve(value)
      })
      send(id)
    })
  }

  hear(id: number, value: Value): void {
    this.#waiting.get(id)?.(value)
    this.#waiting.delete(id)
  }
}
