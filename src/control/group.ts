/**
 * Which number has a group of this machine?
 *
 * Node has no getgrnam. The local file is enough: the platform creates its groups there, and an
 * answer from a directory server may take seconds that a starting agent does not have.
 */

/**
 * Finds the number of a group in the text of /etc/group (group(5): name, password, number, members).
 *
 * @returns null when no well-formed line has this name
 */
export function groupIdFrom(etcGroup: string, name: string): number | null {
  for (const line of etcGroup.split('\n')) {
    const [group, , id] = line.split(':')
    if (group === name && id !== undefined && /^\d{1,10}$/.test(id)) return Number(id)
  }
  return null
}
