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
