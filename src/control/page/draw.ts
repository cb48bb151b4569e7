/**
 * How do words become elements? Everything from outside is put in as text and never as markup.
 */
import type { Word } from '../tone.ts'
import type { LinkView, NodeView } from './view.ts'

type Child = Node | string | null

/** An element with attributes and children; a string becomes text. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElement {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children.filter((child) => child !== null))
  return made
}

export function find<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found as Kind
}

/** By element: what was drawn last. */
const drawn = new WeakMap<HTMLElement, string>()

/** Draws only what is not there already: nothing flickers, and nothing selected is lost. */
export function redraw(place: HTMLElement, what: unknown, draw: () => readonly Child[]): void {
  const key = JSON.stringify(what)
  if (drawn.get(place) === key) return
  drawn.set(place, key)
  place.replaceChildren(...draw().filter((child) => child !== null))
}

export function toned({ text, tone }: Word, tag = 'span'): HTMLElement {
  return element(tag, { class: tone }, text)
}

/** @param live  otherwise the role is told as what it was */
export function drawNode(node: NodeView, live: boolean): Child[] {
  const { name, here, role, sentence, facts, bar, addresses } = node
  return [
    element(
      'h2',
      {},
      name,
      here ? element('span', { class: 'quiet' }, ' answers this page') : null,
    ),
    element(
      'p',
      { class: `role ${role.tone}` },
      live ? role.text : `was ${role.text.toLowerCase()}`,
    ),
    sentence === '' ? null : element('p', { class: 'sentence' }, sentence),
    bar === null ? null : drawBar(bar),
    addresses.length === 0
      ? null
      : element(
          'div',
          { class: 'addresses' },
          element('h3', {}, 'Floating IPs'),
          element('ul', {}, ...addresses.map((address) => toned(address, 'li'))),
        ),
    element('ul', { class: 'facts' }, ...facts.map((fact) => toned(fact, 'li'))),
  ]
}

function drawBar({ title, leftMs, wholeMs }: NonNullable<NodeView['bar']>): HTMLElement {
  const left = Math.max(0, Math.min(wholeMs, leftMs))
  const full = element('span')
  // Not as an attribute: the policy of the page takes no styles that come with the markup.
  full.style.width = `${(left / wholeMs) * 100}%`
  const meter = element(
    'span',
    {
      ...{ class: 'meter', role: 'meter', 'aria-label': title },
      ...{ 'aria-valuemin': '0', 'aria-valuemax': String(wholeMs) },
      ...{ 'aria-valuenow': String(Math.round(left)) },
    },
    full,
  )
  const figures = element('span', {}, `${Math.round(left)} of ${wholeMs} ms`)
  return element('p', { class: 'lease' }, element('span', {}, title), meter, figures)
}

export function drawLinks(title: string, links: readonly LinkView[]): Child[] {
  return [
    element('h2', {}, title),
    element(
      'ul',
      { class: 'links' },
      ...links.map(({ name, state, sign, figures, more }) =>
        element(
          'li',
          { class: 'link', 'data-tone': state.tone, title: more },
          element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
          element('span', { class: 'name' }, name),
          element('span', { class: 'state' }, state.text),
          element('span', { class: 'figures' }, figures),
        ),
      ),
    ),
  ]
}

/** A table whose rows are cells of words; the first of a row names it. */
export function drawTable(
  titles: readonly string[],
  rows: readonly (readonly Word[])[],
): HTMLElement {
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': titles[0] ?? '' },
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element('tr', {}, ...titles.map((title) => element('th', { scope: 'col' }, title))),
      ),
      element(
        'tbody',
        {},
        ...rows.map(([first, ...others]) =>
          element(
            'tr',
            {},
            element('th', { scope: 'row' }, first?.text ?? ''),
            ...others.map(({ text, tone }, at) =>
              element('td', { class: tone, 'data-title': titles[at + 1] ?? '' }, text),
            ),
          ),
        ),
      ),
    ),
  )
}
