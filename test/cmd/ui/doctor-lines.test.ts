import { describe, expect, it } from 'vitest';
import { doctorLines } from '../../../cmd/ui/doctor-lines.js';
import { plainText } from '../../../cmd/ui/line.js';
import type { Finding } from '../../../src/doctor/check.js';
import { SidecarError } from '../../../src/errors.js';

const findings: readonly Finding[] = [
  { check: 'node', result: 'ok', says: 'node.runs', facts: { version: '22.1.0' } },
  { check: 'keys', result: 'warning', says: 'keys.none', facts: {} },
  { check: 'git', result: 'failed', error: new SidecarError('git.missing') },
  { check: 'working_tree', result: 'skipped', because: 'git' },
  { check: 'sidecar', result: 'skipped', says: 'sidecar.none', facts: { known: ['db', 'web'] } },
  { check: 'address', result: 'skipped', because: 'sidecar' },
  { check: 'login', result: 'skipped', because: 'sidecar' },
  { check: 'remote.git', result: 'skipped', because: 'sidecar' },
  { check: 'remote.clock', result: 'skipped', because: 'sidecar' },
];

const shown = (terminal: boolean): string =>
  doctorLines({ sidecar: null, findings }, { terminal })
    .map((line) => plainText(line))
    .join('\n');

describe('what a doctor found', () => {
  it('is a line for each check under its heading, with what to do below, and words for marks when piped', () => {
    expect(shown(false)).toBe(`This machine
  ok      Node.js: 22.1.0
  warning keys: there is none
            fix: make one with \`ssh-keygen\`, or start your ssh-agent. Sidecars that \`sidecar create\` makes bring their own
  failed  git: git is not installed on this machine, or not on PATH
            fix: install git
  skipped not tried (see git): working tree

The way to the sidecar
  skipped sidecar: none is selected for this working tree
            fix: select one with \`sidecar use NAME\`: there is db, web
  skipped not tried (see sidecar): address, login

On the sidecar
  skipped not tried (see sidecar)

1 thing needs fixing, 1 warning`);
  });

  it('has a mark for each on a terminal', () => {
    expect(shown(true)).toMatch(/^ {2}✓ Node.*\n {2}! keys.*\n {6}fix: .*\n {2}✗ git.*\n {6}fix: .*\n {2}– not tried/m);
  });

  it('ends with a line that says so where nothing is wrong', () => {
    const lines = doctorLines({ sidecar: 'web', findings: findings.slice(0, 1) }, { terminal: true });
    expect(lines.map((line) => plainText(line)).at(-1)).toBe('nothing needs fixing');
  });
});
