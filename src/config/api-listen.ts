/**
 * At which addresses of this node is the API served? What was written, with network.yml beside it.
 *
 * A floating IP is none: this node has it only while it serves. An address of the peer is passed over,
 * since both nodes are given the same file.
 */
import type { ToldApi, ToldListen } from './api-section.ts'
import type { ApiConfig, ApiPlace } from './config.ts'
import type { Findings } from './finding.ts'
import type { HostSection } from './host.ts'
import { nearMiss } from './near-miss.ts'
import type { Pair } from './pair.ts'

export function placeApi(told: ToldApi | null, pair: Pair, findings: Findings): ApiConfig | null {
  if (told === null) return null
  const listen = told.listen.flatMap((place) => placesOf(place, pair, findings))
  const unique = new Map(listen.map((place) => [`${place.address} ${place.port}`, place]))
  const [first] = told.listen
  if (first !== undefined && listen.length === 0 && !findings.failed) {
    const why = `is no place of this host ${pair.ours.name}`
    findings.error(first.tree, why, 'name an interface that both hosts have, as eth0:8443')
  }
  return { ...told, listen: [...unique.values()] }
}

function placesOf(told: ToldListen, pair: Pair, findings: Findings): ApiPlace[] {
  const { tree, address, port, tls } = told
  if (address === null) return onInterface(told, pair, findings)
  const { text } = address
  const known = ownAddresses(pair.ours).includes(text)
  if (known || /^(127\.|::1$|0\.0\.0\.0$|::$)/.test(text)) return [{ address: text, port, tls }]
  if (ownAddresses(pair.theirs).includes(text)) return []
  const floating = floatingAddresses(pair.ours).includes(text)
  const why = floating
    ? 'is a floating IP, which this node has only while it serves'
    : 'is an address of neither host'
  findings.error(tree, why, `name an interface instead, as eth0:${port}`)
  return []
}

function onInterface(told: ToldListen, pair: Pair, findings: Findings): ApiPlace[] {
  const { tree, name, port, tls } = told
  const section = pair.ours.interfaces.find((candidate) => candidate.name === name)
  if (section === undefined) {
    const names = pair.ours.interfaces.map((candidate) => candidate.name)
    const meant = nearMiss(name, names)
    const mend = meant === null ? `interfaces are ${names.join(', ')}` : `did you mean ${meant}?`
    findings.error(tree, `is not an interface of ${pair.ours.name} in network.yml`, mend)
    return []
  }
  const own = ([4, 6] as const).flatMap((family) => section.families[family].own ?? [])
  if (own.length === 0) {
    findings.error(tree, `has no address of its own on ${pair.ours.name}`, 'name another interface')
  }
  return own.map(({ address }) => ({ address: address.text, port, tls }))
}

function ownAddresses(host: HostSection): string[] {
  return host.interfaces.flatMap(({ families }) =>
    ([4, 6] as const).flatMap((family) => families[family].own?.address.text ?? []),
  )
}

function floatingAddresses(host: HostSection): string[] {
  return host.interfaces.flatMap(({ families }) =>
    ([4, 6] as const).flatMap((family) => families[family].floating.map((ip) => ip.address.text)),
  )
}
