/**
 * What happens on the page, and when? A token, a stream of documents, a picture that is never older than it says.
 */
import type { AccessDocument } from '../access-schema.ts'
import type { ExplainDocument, HistoryDocument, StatusDocument } from '../schema.ts'
import { ask, keepToken, keptToken, Refusal, request } from './door.ts'
import { find } from './draw.ts'
import { OrderDialog } from './order.ts'
import { drawExplain, drawStatus, drawTimeline, whenText } from './parts.ts'
import { follow } from './stream.ts'
import { nodeViews } from './view.ts'

/** Longer without a word, and nothing of it counts as so. */
const STALE_AFTER_MS = 3_000
/** The stream tells changes at once and figures seldom; a bar that moves is asked for. */
const FIGURES_AFTER_MS = 900
/** For the figures that no event brings: what would happen now. */
const EXPLAIN_EVERY_MS = 10_000
const HISTORY_LENGTH = 30

let status: StatusDocument | null = null
let heardMs = performance.now()
let access: AccessDocument['access'] = 'read'
let asking = false
let stopped = new AbortController()
const dialog = new OrderDialog()

function isLive(): boolean {
  return performance.now() - heardMs < STALE_AFTER_MS
}

function draw(): void {
  const now = status
  if (now === null) return
  const live = isLive()
  const silentS = Math.floor((performance.now() - heardMs) / 1_000)
  document.body.dataset['live'] = live ? 'yes' : 'no'
  document.title = titleOf(now, live)
  find('seen-from').textContent = `the pair as ${now.node} sees it`
  find('pulse').textContent = live ? `live ${whenText(now.timeIso)}` : `no word for ${silentS} s`
  const lost = find('lost')
  lost.hidden = live
  // The first words are read aloud; the seconds that follow need not be.
  find('lost').replaceChildren(
    ...(live
      ? []
      : [
          Object.assign(document.createElement('strong'), {
            textContent: `No word from ${now.node} for ${silentS} s.`,
          }),
          ` What is shown was so at ${whenText(now.timeIso)} and may not be so any more.`,
        ]),
  )
  drawStatus(now, live)
  drawOperate(now, live)
  announce(now, live)
}

function titleOf(now: StatusDocument, live: boolean): string {
  const roles = nodeViews(now).map(({ name, role }) => `${name} ${role.text.toLowerCase()}`)
  const alarms = now.alarms.length === 0 ? '' : `(${now.alarms.length}) `
  return live ? `${alarms}${roles.join(', ')} - Tandem` : `no word from ${now.node} - Tandem`
}

/** Roles only: a screen reader is told what matters, once. */
function announce(now: StatusDocument, live: boolean): void {
  const words = live
    ? nodeViews(now)
        .map(({ name, role }) => `${name} is ${role.text.toLowerCase()}`)
        .join(', ')
    : ''
  const place = find('announce')
  if (place.textContent !== words) place.textContent = words
}

function drawOperate(
  { node, peerNode, local, loadBalancers, drained }: StatusDocument,
  live: boolean,
): void {
  const place = find('operate')
  place.hidden = access !== 'full'
  const [from, to] = local.state === 'active' ? [node, peerNode] : [peerNode, node]
  const move = find<HTMLButtonElement>('switch-over')
  const maintain = find<HTMLButtonElement>('maintain')
  const drain = find<HTMLButtonElement>('drain')
  setText(move, `Switch over from ${from} to ${to} …`)
  setText(
    maintain,
    local.maintenance ? `End the maintenance of ${node} …` : `Maintenance of ${node} …`,
  )
  move.disabled = !live
  maintain.disabled = !live
  drain.disabled = !live
  drain.hidden = loadBalancers.length === 0
  setText(drain, drained ? 'Take new calls again …' : 'Drain the pair …')
  setText(
    find('operate-about'),
    live
      ? 'What stands in the way is shown before anything happens.'
      : `Not while there is no word from ${node}.`,
  )
}

function setText(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text
}

function took(next: StatusDocument): void {
  const news = status?.lastTransition?.atIso !== next.lastTransition?.atIso || status === null
  status = next
  heardMs = performance.now()
  draw()
  if (news) void askAround()
}

/** What the stream does not carry. It may fail: it is asked for again. */
async function askAround(): Promise<void> {
  try {
    const [history, explain] = await Promise.all([
      ask<HistoryDocument>(`/v1/history?limit=${HISTORY_LENGTH}`),
      ask<ExplainDocument>('/v1/explain'),
    ])
    drawTimeline(history)
    drawExplain(explain)
  } catch {
    // The picture says by itself when there is no word.
  }
}

function show(place: 'sign-in' | 'pair'): void {
  find('sign-in').hidden = place !== 'sign-in'
  find('pair').hidden = place !== 'pair'
}

function signIn(trouble: string): void {
  stopped.abort()
  keepToken(null)
  status = null
  delete document.body.dataset['live']
  find('pulse').textContent = ''
  find('token-trouble').textContent = trouble
  show('sign-in')
  find('token').focus()
}

async function begin(): Promise<void> {
  stopped = new AbortController()
  const { signal } = stopped
  try {
    access = (await ask<AccessDocument>('/v1/access')).access
    took(await ask<StatusDocument>('/v1/status'))
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      return signIn(keptToken() === null ? '' : 'This token is not known here.')
    }
    // Not a matter of the token: the agent may be restarting.
    find('pulse').textContent = error instanceof Refusal ? error.message : 'no answer, asking again'
    setTimeout(() => void begin(), 2_000)
    return
  }
  show('pair')
  const told = {
    heard: () => undefined,
    refused: () => signIn('This token is not known any more.'),
    event: ({ event, data }: { event: string; data: string }) => {
      if (event === 'status') took(JSON.parse(data) as StatusDocument)
    },
  }
  const open = (until: AbortSignal, headers: Record<string, string>): Promise<Response> =>
    request('/v1/events', { signal: until, headers })
  await follow(open, told, signal)
}

find('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const field = find<HTMLInputElement>('token')
  keepToken(field.value.trim())
  field.value = ''
  void begin()
})
find('switch-over').addEventListener('click', () => {
  if (status !== null) void dialog.switchOver(status)
})
find('maintain').addEventListener('click', () => {
  if (status !== null) void dialog.maintenance(status, !status.local.maintenance)
})
find('drain').addEventListener('click', () => {
  if (status !== null) dialog.drain(status)
})
/** Figures move without an event: asked for while nothing else comes, and somebody looks. */
async function askFigures(): Promise<void> {
  const quiet = performance.now() - heardMs > FIGURES_AFTER_MS
  if (asking || !quiet || status === null || stopped.signal.aborted || document.hidden) return
  asking = true
  try {
    took(await ask<StatusDocument>('/v1/status'))
  } catch (error) {
    if (error instanceof Refusal && error.status === 401)
      signIn('This token is not known any more.')
  } finally {
    asking = false
  }
}

document.addEventListener('visibilitychange', () => void askFigures())
setInterval(draw, 500)
setInterval(() => void askFigures(), 250)
setInterval(() => {
  if (isLive() && !document.hidden) void askAround()
}, EXPLAIN_EVERY_MS)
void begin()
