/**
 * How is a move ordered by hand? What it would be is shown first, it is confirmed naming both nodes, and then it is
 * followed step by step to its end.
 */
import { formatMs } from '../duration.ts'
import type { ExplainDocument, OperationDocument, StatusDocument } from '../schema.ts'
import { ask, Refusal } from './door.ts'
import { element, find, toned } from './draw.ts'
import { type MovePlan, movePlan } from './view.ts'

interface Order {
  title: string
  plan: MovePlan | null
  lead: string
  confirm: string
  body: object
}

const FOLLOW_EVERY_MS = 150
/** The agent gives up long before. */
const FOLLOW_MAX_MS = 60_000
const LOST_MAX = 20

/** How each state of an operation is said; those without an end are still on their way. */
const OUTCOMES: Readonly<
  Record<OperationDocument['state'], { text: string; tone: string } | null>
> = {
  accepted: null,
  waiting: null,
  running: null,
  done: { text: 'Done', tone: 'good' },
  refused: { text: 'Refused', tone: 'bad' },
  failed: { text: 'Failed', tone: 'bad' },
  'done-unverified': { text: 'Done, but not verified', tone: 'warn' },
  'timed-out': { text: 'The agent gave up; nothing more will happen', tone: 'bad' },
}

export class OrderDialog {
  readonly #dialog = find<HTMLDialogElement>('order')
  readonly #confirm = find<HTMLButtonElement>('order-confirm')
  #order: Order | null = null
  #running = false

  constructor() {
    this.#confirm.addEventListener('click', () => void this.#carryOut())
    find('order-close').addEventListener('click', () => this.#dialog.close())
  }

  async switchOver(status: StatusDocument): Promise<void> {
    const plan = await this.#plan(status)
    if (plan === null) return
    const { title, question, to, from } = plan
    this.#show({
      ...{ title, plan, lead: question },
      confirm: `Make ${to} active, ${from} standby`,
      body: { kind: 'make-active', node: to },
    })
  }

  async maintenance(status: StatusDocument, on: boolean): Promise<void> {
    const { node, peerNode, local } = status
    const body = { kind: 'maintenance', on }
    if (!on) {
      return this.#show({
        ...{ title: `End the maintenance of ${node}`, plan: null, body },
        lead: `${node} may be elected and take over again. ${peerNode} stays what it is.`,
        confirm: `End the maintenance of ${node}`,
      })
    }
    const plan = local.state === 'active' ? await this.#plan(status) : null
    if (local.state === 'active' && plan === null) return
    this.#show({
      ...{ title: `Maintenance of ${node}`, plan, body },
      lead:
        plan === null
          ? `${node} does not act until it is ended: should ${peerNode} die, nobody serves.`
          : `${node} hands over to ${peerNode} first, and does not act until it is ended.`,
      confirm: plan === null ? `Begin on ${node}` : `Hand over to ${peerNode}, begin on ${node}`,
    })
  }

  drain({ drained, loadBalancers }: StatusDocument): void {
    const edges = loadBalancers.map(({ name }) => name).join(', ')
    const body = { kind: 'drain', on: !drained }
    this.#show(
      drained
        ? {
            ...{ title: 'Take new calls again', plan: null, body },
            lead: `${edges} may send new calls to the pair again.`,
            confirm: 'Take new calls again',
          }
        : {
            ...{ title: 'Drain the pair', plan: null, body },
            lead: `${edges} send no new calls to the pair, whichever node serves. Calls that stand go on.`,
            confirm: 'Drain the pair',
          },
    )
  }

  async #plan(status: StatusDocument): Promise<MovePlan | null> {
    try {
      return movePlan(status, await ask<ExplainDocument>('/v1/explain'))
    } catch (error) {
      this.#show({
        ...{ title: 'Not possible now', plan: null, confirm: '', body: {} },
        lead: `What stands in the way could not be asked: ${wordsOf(error)}`,
      })
      return null
    }
  }

  #show(order: Order): void {
    const { title, plan, lead, confirm } = order
    this.#order = order
    const blockers = plan?.blockers ?? []
    find('order-title').textContent = title
    find('order-body').replaceChildren(
      element('p', { class: 'lead' }, lead),
      ...(plan === null ? [] : preflight(plan)),
    )
    find('order-steps').hidden = true
    find('order-steps').replaceChildren()
    find('order-outcome').replaceChildren()
    this.#confirm.textContent = confirm
    this.#confirm.hidden = confirm === '' || blockers.length > 0
    find('order-close').textContent = 'Leave it as it is'
    if (!this.#dialog.open) this.#dialog.showModal()
    // Not the button that acts: Enter alone must not move a platform.
    find('order-close').focus()
  }

  async #carryOut(): Promise<void> {
    const order = this.#order
    if (order === null || this.#running) return
    this.#running = true
    this.#confirm.hidden = true
    find('order-close').textContent = 'Close'
    find('order-steps').hidden = false
    this.#say('Asked', '')
    try {
      await this.#follow(await ask<OperationDocument>('/v1/operations', order.body))
    } catch (error) {
      this.#say(error instanceof Refusal ? 'Refused' : 'Not known', 'bad', wordsOf(error))
    } finally {
      this.#running = false
      find('order-close').focus()
    }
  }

  async #follow(first: OperationDocument): Promise<void> {
    const endMs = performance.now() + FOLLOW_MAX_MS
    let lost = 0
    for (let latest = first; ; ) {
      this.#steps(latest)
      const outcome = OUTCOMES[latest.state]
      if (outcome !== null) {
        const { reason } = latest
        const mend = reason?.mend === null || reason === null ? '' : `; ${reason.mend}`
        const why = reason === null ? '' : `${reason.sentence}${mend}`
        return this.#say(outcome.text, outcome.tone, why)
      }
      this.#say(latest.state === 'waiting' ? 'Waiting' : 'On its way', 'warn')
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS))
      try {
        latest = await ask<OperationDocument>(`/v1/operations/${encodeURIComponent(latest.id)}`)
        lost = 0
      } catch (error) {
        lost += 1
        const gone = error instanceof Refusal && error.status === 404
        if (gone || lost > LOST_MAX || performance.now() > endMs) throw error
      }
    }
  }

  /** Adds the steps that are not there yet. */
  #steps({ steps }: OperationDocument): void {
    const list = find('order-steps')
    for (const { atMs, sentence } of steps.slice(list.children.length)) {
      list.append(
        element(
          'li',
          {},
          element('span', { class: 'at' }, formatMs(atMs)),
          element('span', {}, sentence),
        ),
      )
    }
  }

  #say(text: string, tone: string, why = ''): void {
    const place = find('order-outcome')
    if (place.dataset['said'] === `${text}${why}` && place.children.length > 0) return
    place.dataset['said'] = `${text}${why}`
    place.replaceChildren(
      element('strong', { class: tone }, text),
      why === '' ? '' : element('span', {}, `: ${why}`),
    )
  }
}

function preflight({ blockers, data, to }: MovePlan): HTMLElement[] {
  const way =
    blockers.length === 0
      ? element('p', { class: 'good' }, `✓ Nothing stands in the way; ${to} can take over.`)
      : element(
          'div',
          {},
          element('p', { class: 'bad' }, `✗ Not possible now:`),
          element(
            'ul',
            {},
            ...blockers.map(({ sentence, mend }) => element('li', {}, `${sentence}: ${mend}`)),
          ),
        )
  const lines = data.length === 0 ? [] : data.map((line) => toned(line, 'li'))
  const atRisk = element(
    'p',
    {},
    data.length === 0
      ? 'No stores are configured: no data is at risk.'
      : 'A planned move loses no acknowledged write: all stores are held, and any doubt takes everything back.',
  )
  return [way, atRisk, ...(lines.length === 0 ? [] : [element('ul', {}, ...lines)])]
}

function wordsOf(error: unknown): string {
  if (error instanceof Refusal) return `${error.message}; ${error.mend}`
  return 'there was no answer; whether it was carried out is shown by the picture'
}
