import { describe, expect, it } from 'vitest';
import { plainText } from '../../../cmd/ui/line.js';
import { driftWarning, keptWarning, landedWords, syncSummary } from '../../../cmd/ui/sync-summary.js';
import type { SyncResult } from '../../../src/sync/result.js';

const landed: SyncResult = {
  sidecar: 'web',
  workspace: '/home/dev/app',
  base: { ref: 'origin/HEAD', commit: 'c'.repeat(40) },
  tree: '1a2b3c4d5e6f'.padEnd(40, '0'),
  verified: true,
  upToDate: false,
  changed: { added: 1, modified: 3, deleted: 0 },
  sentBytes: 2841,
  drift: null,
  attempts: 1,
  warm: false,
  ms: { total: 212, snapshot: 71, connect: 0, transfer: 52, apply: 64 },
};

describe('the summary of a sync', () => {
  it('tells where, what changed, what it took and what was proved', () => {
    expect(plainText(syncSummary(landed))).toBe(
      '✓ web:/home/dev/app: 3 changed, 1 added (2.8 kB sent) in 0.21 s, tree 1a2b3c4d5e proved',
    );
  });

  it('says that there was nothing to do', () => {
    const idle = { ...landed, upToDate: true, changed: { added: 0, modified: 0, deleted: 0 }, sentBytes: 0 };
    expect(plainText(syncSummary(idle))).toBe(
      '✓ web:/home/dev/app: already in step, in 0.21 s, tree 1a2b3c4d5e proved',
    );
  });

  it('tells where the history is at, and what was kept of the one over there', () => {
    const history = { commit: 'a'.repeat(40), branch: 'main', kept: [] };
    const words = plainText(syncSummary({ ...landed, history }));
    expect(words).toMatch(/tree 1a2b3c4d5e proved, its git on main at aaaaaaaaaa$/);
    expect(plainText(syncSummary({ ...landed, history: { ...history, branch: null } }))).toMatch(/git at aaaaaaaaaa$/);
    expect(keptWarning({ ...landed, history })).toBeUndefined();
    expect(keptWarning(landed)).toBeUndefined();
    const kept = [{ ref: 'refs/sidecar/kept/x', commits: 2 }];
    expect(keptWarning({ ...landed, history: { ...history, kept } })).toBe(
      'kept in the repository of web:/home/dev/app, for they were only there: 2 commits as refs/sidecar/kept/x',
    );
  });

  it('of a dry run promises no proof', () => {
    expect(plainText(syncSummary({ ...landed, verified: false, dryRun: true }))).toBe(
      'web:/home/dev/app would get 3 changed, 1 added (2.8 kB to send); nothing was changed',
    );
  });
});

describe('a landing of many', () => {
  it('tells the same, after the words that an editor waits for', () => {
    const idle = { ...landed, upToDate: true };
    expect([landed, idle].map(landedWords).map(plainText)).toEqual([
      'landed on web:/home/dev/app: 3 changed, 1 added (2.8 kB sent) in 0.21 s, tree 1a2b3c4d5e proved',
      'landed on web:/home/dev/app: already in step, in 0.21 s, tree 1a2b3c4d5e proved',
    ]);
  });
});

describe('the warning of drift', () => {
  const drift = { id: '20261122-1', added: ['new'], modified: ['old'], deleted: [], saved: true };

  it('tells what became of which paths', () => {
    expect(driftWarning({ ...landed, drift })).toBe(
      '2 paths in web:/home/dev/app had changed over there (saved as 20261122-1, then overwritten): old, new',
    );
  });

  it('of a dry run tells what a sync would do', () => {
    expect(driftWarning({ ...landed, drift: { ...drift, id: null, saved: false }, dryRun: true })).toContain(
      'a sync would save and overwrite them',
    );
  });

  it('is not given when there was none', () => {
    expect(driftWarning(landed)).toBeUndefined();
  });
});
