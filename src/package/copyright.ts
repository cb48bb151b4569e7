/**
 * Whose work is in the package, and on what terms? Prints Debian's copyright file:
 * node dist/package/copyright.js NODE_MODULES NODE
 *
 * Our own licence, that of the Node.js we bring, and of every module its name, version, licence and the text
 * that its authors ask to be passed on.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LICENCE_FILE, type Module, runtimeModules } from './modules.ts'

/** Where every Debian has this text already. */
const APACHE = 'The text is in /usr/share/common-licenses/Apache-2.0 on Debian systems.'

/** @param modules  `node_modules` as installed, with the licence files */
export function copyrightText(modules: string, nodeLicence: string, ownLicence: string): string {
  const bundled = runtimeModules(modules)
  return [
    'Tandem, active/standby cluster manager for two-node VoIP platforms.',
    ownLicence.trim(),
    "The gate's kernel program (gate.o) is dual MIT and GPL-2; the text of the latter is in\n/usr/share/common-licenses/GPL-2 on Debian systems.",
    `The package also holds these modules, below /usr/lib/tandem/node_modules:\n\n${bundled.map(line).join('\n')}`,
    ...bundled.map((module) => `${rule(module.name)}\n\n${termsOf(module, modules)}`),
    `${rule('Node.js, /usr/lib/tandem/bin/node')}\n\n${nodeLicence.trim()}`,
  ]
    .join('\n\n')
    .concat('\n')
}

/** The licence of the Node.js whose program this is, wherever its distribution puts it. */
export function nodeLicenceOf(program: string): string {
  const places = [
    join(dirname(program), '../LICENSE'),
    '/usr/share/doc/nodejs/LICENSE',
    '/usr/share/doc/nodejs/copyright',
  ]
  const found = places.find((place) => existsSync(place))
  if (found === undefined)
    throw new Error(`the licence of Node.js is in none of ${places.join(', ')}`)
  return readFileSync(found, 'utf8')
}

function line({ name, version, license }: Module): string {
  return `  ${name} ${version} (${license})`
}

function rule(title: string): string {
  return `---- ${title} ----`
}

/** What its authors wrote; for the few without a file of it, what their package says. */
function termsOf(module: Module, modules: string): string {
  const directory = join(modules, module.place)
  const files = readdirSync(directory).filter((name) => LICENCE_FILE.test(name))
  const texts = files.map((name) => readFileSync(join(directory, name), 'utf8').trim())
  if (module.license === 'Apache-2.0') {
    const notices = texts.flatMap(
      (text) => text.match(/^ *Copyright (?!\[|owner).*\d{4}.*$/gim) ?? [],
    )
    return [
      ...notices.map((notice) => notice.trim()),
      `Apache License, version 2.0. ${APACHE}`,
    ].join('\n')
  }
  if (texts.length > 0) return texts.join('\n\n')
  const about = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    author?: unknown
  }
  const author = typeof about.author === 'string' ? about.author : JSON.stringify(about.author)
  return `By ${author}. ${module.license}: the terms are those at the head of this file.`
}

const [modules, node] = process.argv.slice(2)
if (import.meta.filename === process.argv[1] && modules !== undefined && node !== undefined) {
  process.stdout.write(copyrightText(modules, nodeLicenceOf(node), readFileSync('LICENCE', 'utf8')))
}
