/**
 * How does `tandem resource` describe itself to a cluster manager? The OCF document of each resource.
 *
 * Text only. The agent in plain sh has a document of its own, because it has parameters; the actions
 * of both are the same, and a test keeps them so.
 */

interface Described {
  name: string
  /** What it is and where its configuration comes from, in lines. */
  about: string
  short: string
  /** What stands in each `action`. */
  actions: readonly string[]
}

/** All of ours have no parameters: the configuration says it. */
function documentOf({ name, about, short, actions }: Described): string {
  return `<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="${name}" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">
${about}
  </longdesc>
  <shortdesc lang="en">${short}</shortdesc>
  <parameters>
  </parameters>
  <actions>
${actions.map((action) => `    <action ${action}/>\n`).join('')}  </actions>
</resource-agent>
`
}

/** Of the resource `floating-ip`. */
export const FLOATING_IP_META_DATA = documentOf({
  name: 'floating-ip',
  about: `Puts all floating IPs that network.yml gives this node on their interfaces, announces them, and takes
them away again. Has no parameters: directory, node and run directory are told by TANDEM_CONFIG,
TANDEM_NODE and TANDEM_RUN, or by the options of the command.`,
  short: 'The addresses that follow the active node',
  actions: [
    'name="start" timeout="20s"',
    'name="stop" timeout="20s"',
    'name="monitor" timeout="20s" interval="10s" depth="0"',
    'name="validate-all" timeout="20s"',
    'name="meta-data" timeout="5s"',
  ],
})

/** Of a configured store. */
export function storeMetaData({ name, kind }: { name: string; kind: string }): string {
  return documentOf({
    name,
    about: `The ${kind} server that config.yml of Tandem calls ${name}: writable where it is promoted, read-only
everywhere else. A demoted one follows nobody. Its server is run by its own unit. Has no parameters:
directory, node and run directory are told by TANDEM_CONFIG, TANDEM_NODE and TANDEM_RUN, or by the options of
the command.`,
    short: 'A store that takes writes on the active node only',
    actions: [
      'name="start" timeout="60s"',
      'name="stop" timeout="60s"',
      'name="monitor" timeout="10s" interval="10s" depth="0" role="Unpromoted"',
      'name="monitor" timeout="10s" interval="5s" depth="0" role="Promoted"',
      'name="promote" timeout="20s"',
      'name="demote" timeout="20s"',
      'name="notify" timeout="5s"',
      'name="validate-all" timeout="10s"',
      'name="meta-data" timeout="5s"',
    ],
  })
}

/** Of a configured service. */
export function serviceMetaData(config: {
  name: string
  startLimitMs: number
  stopLimitMs: number
}): string {
  const seconds = (ms: number): number => Math.ceil(ms / 1000) + 5
  return documentOf({
    name: config.name,
    about: `The service that config.yml of Tandem calls ${config.name}, with the means and the probes that it gives it. Has no
parameters: directory, node and run directory are told by TANDEM_CONFIG, TANDEM_NODE and TANDEM_RUN, or by
the options of the command.`,
    short: 'A daemon that serves the platform',
    actions: [
      `name="start" timeout="${seconds(config.startLimitMs)}s"`,
      `name="stop" timeout="${seconds(config.stopLimitMs)}s"`,
      'name="monitor" timeout="20s" interval="10s" depth="0"',
      'name="validate-all" timeout="20s"',
      'name="meta-data" timeout="5s"',
    ],
  })
}

/** Of a configured load-balancer. */
export function balancerMetaData({ name, kind }: { name: string; kind: string }): string {
  return documentOf({
    name,
    about: `The ${kind} dispatcher that config.yml of Tandem calls ${name}: it sends calls to this pair while the resource
runs. Has no parameters: directory, node and run directory are told by TANDEM_CONFIG, TANDEM_NODE and
TANDEM_RUN, or by the options of the command.`,
    short: 'A load-balancer that sends calls to this pair',
    actions: [
      'name="start" timeout="20s"',
      'name="stop" timeout="20s"',
      'name="monitor" timeout="20s" interval="10s" depth="0"',
      'name="validate-all" timeout="20s"',
      'name="meta-data" timeout="5s"',
    ],
  })
}
