// Prints the table rule | without | caught by, as Markdown: node test/rules/table.mjs
import { caughtBy, judgeAll } from './judge.mjs'

const cell = (text) => text.replaceAll('|', '\\|')
console.log('| rule | without it | caught by |\n| --- | --- | --- |')
for (const verdict of await judgeAll()) {
  const { rule, without, error } = verdict
  console.log(`| ${cell(rule)} | ${cell(without)} | ${cell(error ?? caughtBy(verdict))} |`)
}
