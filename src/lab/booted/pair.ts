/**
 * Two Debian systems that boot, joined like every pair of the lab, an operator's machine beside them, and
 * clients that watch: what the tests of an installed pair stand on.
 *
 * Nothing of Tandem is on the nodes when this is built. It comes as it does in life: the operator runs the
 * playbooks.
 */
import { LabNode } from '../node.ts'
import { type LabNodeName, type LabPlan, NODE_NAMES, planLab } from '../plan.ts'
import { platformTexts, type TimingProfileName, type Told } from '../platform-files.ts'
import { Prober } from '../prober.ts'
import { buildLab, type Lab } from '../topology.ts'
import { bootImage } from './image.ts'
import { BootedNode } from './node.ts'
import { DESK, Operator } from './operator.ts'
import {
  installPlatform,
  makeSecrets,
  platformServiceLines,
  platformStoreLines,
} from './platform.ts'

export class BootedPair {
  readonly lab: Lab
  readonly nodes: Readonly<Record<LabNodeName, BootedNode>>
  readonly operator: Operator
  readonly prober: Prober

  private constructor(
    lab: Lab,
    nodes: Readonly<Record<LabNodeName, BootedNode>>,
    operator: Operator,
  ) {
    this.lab = lab
    this.nodes = nodes
    this.operator = operator
    this.prober = new Prober(lab)
  }

  /**
   * Builds the lab, installs Debian on all three machines and boots both nodes.
   *
   * @param platform  with the platform's services and stores, which Tandem is to look after
   * @param more      further lines below `tandem`
   */
  static async build(
    prefix: string,
    {
      profile,
      platform = false,
      more = [],
    }: { profile: TimingProfileName; platform?: boolean; more?: readonly string[] },
  ): Promise<BootedPair> {
    const image = await bootImage()
    const lab = await buildLab(planLab(prefix))
    try {
      const [sp1, sp2] = await Promise.all(
        NODE_NAMES.map((name) => BootedNode.install(lab, new LabNode(lab, name), image)),
      )
      if (sp1 === undefined || sp2 === undefined) throw new Error('lab: a pair is two nodes')
      const { plan } = lab
      const nodes = { sp1, sp2 }
      const operator = await Operator.install(plan, image, [sp1, sp2])
      operator.write(`${DESK}/inventory.yml`, inventoryText(plan, platform))
      const told: Told = platform
        ? { stores: platformStoreLines(), more: [...more, ...platformServiceLines(plan)] }
        : { more }
      for (const [file, text] of Object.entries(platformTexts(plan, profile, told))) {
        operator.write(`${DESK}/platform/${file}`, text)
      }
      if (platform) {
        for (const node of [sp1, sp2]) installPlatform(plan, node)
        for (const [file, text] of Object.entries(makeSecrets())) {
          operator.write(`${DESK}/secrets/${file}`, text)
        }
      }
      await Promise.all([sp1.powerOn(), sp2.powerOn()])
      return new BootedPair(lab, nodes, operator)
    } catch (error) {
      await lab.destroy()
      throw error
    }
  }

  /** Ends and removes everything. */
  async destroy(): Promise<void> {
    await this.prober.stop()
    await this.lab.destroy()
    for (const machine of [...Object.values(this.nodes), this.operator]) await machine.discard()
  }
}

/** As an operator would write it: who the nodes are, what they get. */
function inventoryText(plan: LabPlan, platform: boolean): string {
  return [
    'tandem:',
    '  hosts:',
    ...NODE_NAMES.flatMap((name) => [
      `    ${name}:`,
      `      ansible_host: ${plan.machines[name].ipv4}`,
    ]),
    '  vars:',
    '    ansible_user: root',
    `    tandem_package: ${DESK}/tandem.deb`,
    `    tandem_platform_files: ${DESK}/platform`,
    `    tandem_backup_directory: ${DESK}/backup`,
    ...(platform
      ? [`    tandem_secret_files: ${DESK}/secrets`, '    tandem_setup_stores: [redis, mariadb]']
      : []),
    '',
  ].join('\n')
}
