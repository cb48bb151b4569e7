/**
 * Which alarms are there, and what is the next step for each? The README's table is this one; a test compares.
 *
 * A code never changes its meaning. `pair`: both nodes see it, so one of them tells the operators; `node`: it
 * is about the node that raises it.
 */

export interface AlarmRow {
  scope: 'pair' | 'node'
  /** What it means, in a clause. */
  meaning: string
  /** What the operator can do, as an order. */
  mend: string
}

const node = (meaning: string, mend: string): AlarmRow => ({ scope: 'node', meaning, mend })
const pair = (meaning: string, mend: string): AlarmRow => ({ scope: 'pair', meaning, mend })

export const ALARMS = {
  'peer-silent': pair(
    'the peer is not heard on any path: nobody can take over',
    'look whether the other machine runs (systemctl status tandemd there), then at the cables and at the key of both nodes (tandem key show-id)',
  ),
  'peer-not-able': pair(
    'the peer is heard and could not take over',
    'look at tandem status on the peer: it says what it is unfit for; end a maintenance that is over',
  ),
  'nobody-serves': pair(
    'neither node is active',
    'tandem explain on both nodes says what stands in the way; mend that first',
  ),
  'path-silent': pair(
    'one heartbeat path is silent, others still work',
    'look at the cable, the switch and the firewall of that path on both nodes',
  ),
  'path-no-carrier': pair(
    'a heartbeat path has no link',
    'plug in or replace the cable, or look at the port of the switch',
  ),
  'digest-differs': pair(
    'the nodes have different rules: they neither hand over nor take over',
    'give both nodes the same files, then tandem reload on each says which to restart first',
  ),
  drift: pair(
    'configuration, versions or settings of the nodes differ for minutes',
    'tandem config diff names what differs; make it alike, or finish the upgrade on the other node',
  ),
  'no-majority': node(
    'no strict majority of the ping nodes answers',
    'look at the network of this node: its switch, VLAN and gateway',
  ),
  'ping-node-silent': pair(
    'a ping node stopped answering',
    'look whether that machine runs and answers ping; replace it in ha.pingnodes when it is gone for good',
  ),
  'ping-node-never-answered': pair(
    'a ping node has not answered since the start',
    'look whether its address is right and its firewall lets ping pass; otherwise name another in ha.pingnodes',
  ),
  'ping-nodes-few': pair(
    'fewer than three ping nodes: one failure decides',
    'name three or five that fail independently in ha.pingnodes, the same on both nodes',
  ),
  'witness-silent': node(
    'the witness does not answer: nobody can take over, and an active without its peer gives up',
    'look whether etcd runs (etcdctl endpoint health) and whether this node reaches it and its certificates are valid',
  ),
  'witness-endpoint': node(
    'one endpoint of the witness does not answer, others do',
    'look at that member of etcd; tandem status says what it answers',
  ),
  'witness-slow': node(
    'calls to the witness take more than an eighth of the lease',
    'look at the disks and the load of etcd and at the network; otherwise choose longer times (tandem.timing)',
  ),
  'witness-lost': node(
    'the record of the witness was taken from the node that held it',
    'tandem history on both nodes says who serves; two pairs with the same tandem.witness.record do this for ever',
  ),
  'fence-unusable': node(
    'the fence agent could not be used when it was tried: nobody could take over',
    'run it by hand with action=monitor and action=status; look at its device, its network and its password file',
  ),
  'fence-failed': node(
    'the peer is silent and could not be switched off: nobody takes over',
    'switch the other machine off by hand and make sure that it is; the fence is tried on until it works',
  ),
  'service-no-carrier': node(
    'an interface with floating IPs has no link',
    'plug in or replace the cable, or look at the port of the switch',
  ),
  'address-not-verified': node(
    'a floating IP was taken, and no ping node answers it',
    'look at switch, VLAN and gateway: something filters the address or another machine has it',
  ),
  'address-conflict': node(
    'another machine claims a floating IP',
    'find the machine with that hardware address and take the address off it',
  ),
  'control-stalled': node(
    'the agent makes no progress beside its heart and renews nothing',
    'look at the load and the disks of this machine, then systemctl restart tandemd',
  ),
  'state-disk': node(
    'the term cannot be written: this node cannot be elected',
    'free or replace the disk that holds /var/lib/tandem',
  ),
  'gate-weaker': node(
    'the gate in force promises less than the full one',
    'install what tandem check-config names, or run on a kernel with eBPF, then restart the agent of the standby',
  ),
  'gate-removed': node(
    'somebody took the gate away; it is being put back',
    'find who changes tc or nftables rules on the service interfaces, and have it leave ours alone',
  ),
  'gate-lost': node(
    'the gate is not in force and could not be put back',
    'look at the log of the agent (journalctl -u tandemd); hand over with ngcp-make-standby and restart it',
  ),
  'data-behind': node(
    'this node lacks what the peer wrote and does not serve',
    'bring the peer back, or accept the older data with ngcp-make-active --force',
  ),
  'not-in-sync': node(
    'writes are confirmed without the peer',
    'look at the stores of the peer (tandem status there) and at the crosslink',
  ),
  'replication-lag': node(
    'the copy of a store is further behind than lag_max',
    'look at the load and disk of the standby and at the crosslink; tandem status shows how far it is',
  ),
  'store-sick': node(
    'a store fails its probes',
    'look at the log of that server; tandem doctor says what is set up wrongly',
  ),
  'store-loss': node(
    'a takeover may have lost writes of a store',
    'bring the other node back: it is compared, and what only it held is set aside (tandem data show)',
  ),
  'store-space': node(
    'the file system of a store is nearly full',
    'free some space there, or move the role before it is full',
  ),
  'store-alone': node(
    "a store does not follow the peer's",
    'tandem status says what that waits for; tandem data rejoin NAME brings it back by hand',
  ),
  'store-hazard': node('something could hold up the next switchover', 'do what the sentence says'),
  'store-differs': node(
    'a comparison found rows or keys that differ',
    'tandem verify NAME --last names them; tandem data rejoin NAME --copy makes the standby a copy anew',
  ),
  'outside-view': node(
    'clients of the other node get no answer',
    'look at the services of the active node and at the way from here to its floating IP',
  ),
  service: node(
    'a service failed, is stopped or is not monitored',
    'tandem service status NAME says why; once mended: tandem service start NAME',
  ),
  drained: pair(
    'an operator drained the pair: the load-balancers send no new calls',
    'tandem drain off when it shall take calls again',
  ),
  'load-balancer': node(
    'a load-balancer could not be told whether this pair takes calls',
    'look whether it runs and whether its management port can be reached from here',
  ),
  'call-check': node(
    'the test call fails since this node serves',
    'look at the services of this node in the order in which they start; tandem check-sip places such a call by hand',
  ),
  api: node(
    'the API cannot be served to the network as it is configured',
    'do what the sentence says; certificate, key and tokens are read again by themselves',
  ),
  'agent-late': node(
    'the agent stood still ten times within ten minutes for longer than its times allow',
    'give the machine more processor, or use timing: default; tandem status says how late it was and when',
  ),
  watchdog: node(
    'the hardware watchdog cannot be fed: nobody resets this machine when it hangs, or it is reset soon',
    'do what tandem check-config says; another program that holds it has to let go, as systemd with RuntimeWatchdogSec',
  ),
  'clock-jumped': node(
    'the clock of this machine was set within the last ten minutes; no decision reads it',
    'see that a time service slews it (chronyc tracking); times in log and history from before do not fit',
  ),
  'record-not-kept': node(
    'what happened at the last change of the role could not be kept',
    'free or replace the disk that holds /var/lib/tandem',
  ),
  'alarm-channel': node(
    'alarms do not get through on one of the ways to the operators',
    'tandem alarm test says what each way answers',
  ),
} as const satisfies Record<string, AlarmRow>

export type AlarmCode = keyof typeof ALARMS
