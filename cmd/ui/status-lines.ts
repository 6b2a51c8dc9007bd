import type { WorkspaceStatus } from '../../src/workspace/status.js';
import type { Line } from './line.js';
import { countOf, pathLines } from './path-lines.js';

/** How many characters of an id are shown: enough for people to compare. */
const shownIdLength = 10;

const short = (id: string): string => id.slice(0, shownIdLength);

/** The session of the daemon, if it has one. */
export interface SessionFacts {
  readonly state: string;
  readonly since?: string;
  readonly rttMs?: number | null;
}

/** The status of a workspace, as compact as `git status`. */
export function statusLines(status: WorkspaceStatus, session: SessionFacts): readonly Line[] {
  return [
    verdict(status),
    [{ text: facts(status, session), style: 'dim' }],
    ...(countOf(status.changes) === 0
      ? []
      : section(
          status.ours ? 'a sync would change there:' : 'a sync with --adopt would change there:',
          pathLines(status.changes),
        )),
    ...(status.drift === null
      ? []
      : section('changed over there since the last landing; a sync saves it first:', pathLines(status.drift))),
    ...aside('left alone there, repositories of their own:', status.leftAlone ?? []),
  ];
}

function verdict({ sidecar, workspace, inStep, ours, landed }: WorkspaceStatus): Line {
  const where = { text: `${sidecar}:${workspace}`, style: 'bold' } as const;
  if (inStep) return [{ text: '✓ ', style: 'green' }, where, ' is in step'];
  if (!ours) return [where, ' holds something else; a sync would refuse it, `--adopt` takes it over'];
  return [where, landed === null ? ' has had no landing' : ' is not in step'];
}

function facts({ landed, base }: WorkspaceStatus, session: SessionFacts): string {
  const when = landed?.at?.replace(/\.\d+Z$/, 'Z');
  return [
    `landed: ${landed === null ? 'nothing' : `tree ${short(landed.tree)}${when === undefined ? '' : ` at ${when}`}`}`,
    `base: ${base === null ? 'none' : `${base.ref} ${short(base.commit)}`}`,
    `session: ${session.state}${typeof session.rttMs === 'number' ? ` (${session.rttMs} ms)` : ''}`,
  ].join('; ');
}

const section = (title: string, lines: readonly Line[]): readonly Line[] => [[''], [title], ...lines];

function aside(title: string, paths: readonly string[]): readonly Line[] {
  return paths.length === 0
    ? []
    : section(
        title,
        paths.map((path) => [`  ${path}`]),
      );
}
