// `node .config/conformance.js local.json docker.json`: the table of the README, of what `sidecar provider test NAME --json`
// printed for each provider.
import { readFileSync } from 'node:fs';

const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const marks = { ok: '✓', failed: '✗', skipped: '–' };
const row = (cells) => `| ${cells.join(' | ')} |`;
const [first] = reports;
if (first === undefined) throw new Error('which reports?');

console.log(row(['It …', ...reports.map(({ provider }) => `\`${provider}\``)]));
console.log(row(['---', ...reports.map(() => '---')]));
for (const { id, title } of first.checks) {
  const results = reports.map(({ checks }) => marks[checks.find((check) => check.id === id)?.result] ?? '?');
  console.log(row([title, ...results]));
}
