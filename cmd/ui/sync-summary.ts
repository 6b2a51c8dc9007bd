import type { LandedHistory, SyncResult } from '../../src/sync/result.js';
import type { Line } from './line.js';
import { aFew, count, formatBytes, formatSeconds } from './quantities.js';

/** How many characters of a tree id are shown: enough for people to compare. */
const shownIdLength = 10;

/** A settled sync in one line. */
export function syncSummary(result: SyncResult): Line {
  const where = whereWords(result);
  if (result.dryRun === true) {
    return [`${where} would get ${changes(result)} (${formatBytes(result.sentBytes)} to send); nothing was changed`];
  }
  return [
    { text: '✓ ', style: 'green' },
    { text: where, style: 'bold' },
    `: ${doneWords(result)}, `,
    { text: provedWords(result), style: 'dim' },
    ...(result.history === undefined ? [] : [`, its git ${historyWords(result.history)}`]),
  ];
}

/** A landing of many in one line. It begins the same way always: editors wait for it. */
export function landedWords(result: SyncResult): Line {
  return [`landed on ${whereWords(result)}: ${doneWords(result)}, ${provedWords(result)}`];
}

const whereWords = ({ sidecar, workspace }: SyncResult): string => `${sidecar}:${workspace}`;

const provedWords = ({ tree }: SyncResult): string => `tree ${tree.slice(0, shownIdLength)} proved`;

function doneWords(result: SyncResult): string {
  const took = formatSeconds(result.ms.total);
  if (result.upToDate) return `already in step, in ${took}`;
  return `${changes(result)} (${formatBytes(result.sentBytes)} sent) in ${took}`;
}

const historyWords = ({ branch, commit }: LandedHistory): string =>
  `${branch === null ? 'at' : `on ${branch} at`} ${commit.slice(0, shownIdLength)}`;

/** What the user must know of commits that were only over there, if there were any. */
export function keptWarning({ history, sidecar, workspace }: SyncResult): string | undefined {
  if (history === undefined || history.kept.length === 0) return undefined;
  const kept = history.kept.map(({ ref, commits }) => `${count(commits, 'commit')} as ${ref}`);
  return `kept in the repository of ${sidecar}:${workspace}, for they were only there: ${aFew(kept)}`;
}

/** What the user must know of changes that were found over there, if there were any. */
export function driftWarning({ drift, sidecar, workspace }: SyncResult): string | undefined {
  if (drift === null) return undefined;
  const paths = [...drift.modified, ...drift.added, ...drift.deleted];
  const found = `${count(paths.length, 'path')} in ${sidecar}:${workspace} had changed over there`;
  const fate = drift.saved ? `saved as ${drift.id ?? ''}, then overwritten` : 'a sync would save and overwrite them';
  return `${found} (${fate}): ${aFew(paths)}`;
}

function changes({ changed: { added, modified, deleted } }: SyncResult): string {
  const parts = [
    [modified, 'changed'],
    [added, 'added'],
    [deleted, 'deleted'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  return said.length === 0 ? 'no change' : said.join(', ');
}
