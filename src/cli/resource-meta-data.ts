/**
 * How does `tandem resource` describe itself to a cluster manager? The OCF document of each resource.
 *
 * Text only. The agent in plain sh has a document of its own, because it has parameters; the actions
 * of both are the same, and a test keeps them so.
 */

/** Of the resource `floating-ip`. */
export const FLOATING_IP_META_DATA = `<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="floating-ip" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">
Puts all floating IPs that network.yml gives this node on their interfaces, announces them, and takes
them away again. Has no parameters: directory, node and run directory are told by TANDEM_CONFIG,
TANDEM_NODE and TANDEM_RUN, or by the options of the command.
  </longdesc>
  <shortdesc lang="en">The addresses that follow the active node</shortdesc>
  <parameters>
  </parameters>
  <actions>
    <action name="start" timeout="20s"/>
    <action name="stop" timeout="20s"/>
    <action name="monitor" timeout="20s" interval="10s" depth="0"/>
    <action name="validate-all" timeout="20s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
`

/** Of a configured store. */
export function storeMetaData({ name, kind }: { name: string; kind: string }): string {
  return `<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="${name}" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">
The ${kind} server that config.yml of Tandem calls ${name}: writable where it is promoted, read-only
everywhere else. A demoted one follows nobody. Its server is run by its own unit. Has no parameters:
directory, node and run directory are told by TANDEM_CONFIG, TANDEM_NODE and TANDEM_RUN, or by the options of
the command.
  </longdesc>
  <shortdesc lang="en">A store that takes writes on the active node only</shortdesc>
  <parameters>
  </parameters>
  <actions>
    <action name="start" timeout="60s"/>
    <action name="stop" timeout="60s"/>
    <action name="monitor" timeout="10s" interval="10s" depth="0" role="Unpromoted"/>
    <action name="monitor" timeout="10s" interval="5s" depth="0" role="Promoted"/>
    <action name="promote" timeout="20s"/>
    <action name="demote" timeout="20s"/>
    <action name="notify" timeout="5s"/>
    <action name="validate-all" timeout="10s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
`
}
