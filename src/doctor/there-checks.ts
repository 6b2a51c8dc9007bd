import { SidecarError } from '../errors.js';
import { isOlder, parseGitVersion } from '../git/version.js';
import { remoteGitFloor } from '../sync/hello.js';
import { after, failed, ok, skipped, warning, type Check, type CheckId, type Verdict } from './check.js';
import { judgeSpace, type Space } from './space.js';
import type { Places, There } from './there.js';

/** git compares times by the second, and people compare logs. */
const skewLimitMs = 30_000;

/** What was found on the sidecar, judged. */
export function thereChecks(there: Promise<There>): readonly Check[] {
  const known = after('remote.shell', there);
  known.catch(() => undefined); // the checks look at it later
  const check = (id: CheckId, judge: (found: There) => Verdict): Check => ({ id, run: async () => judge(await known) });
  const placeCheck = (id: CheckId, judge: (places: Places) => Verdict): Check =>
    check(id, ({ places }) => (places === undefined ? failed('home.missing', {}) : judge(places)));
  return [
    { id: 'remote.shell', run: async () => ok('shell.runs', { shell: (await there).shell }) },
    check('remote.git', judgeGit),
    check('remote.tools', ({ missingTools: tools }) =>
      tools.length === 0 ? ok('tools.present', {}) : failed('tools.missing', { tools }),
    ),
    placeCheck('remote.workspace', judgeWorkspace),
    placeCheck('remote.workspace_space', ({ workspace: { path, space } }) => judgeSpaceThere(space, path)),
    placeCheck('remote.state', judgeState),
    placeCheck('remote.state_space', ({ state: { path, space } }) => judgeSpaceThere(space, path)),
    check('remote.clock', judgeClock),
    placeCheck('remote.landing', judgeLock),
  ];
}

function judgeGit({ git }: There): Verdict {
  const floor = remoteGitFloor;
  const version = git === undefined ? undefined : parseGitVersion(git);
  if (version !== undefined && !isOlder(version, floor)) return ok('remote_git.runs', { version });
  const reason =
    git === undefined
      ? 'it is not installed there, or not on PATH'
      : version === undefined
        ? 'it does not tell its version'
        : `git ${version} is too old`;
  throw new SidecarError('sync.remote_git', { reason, floor, ...(version === undefined ? {} : { version }) });
}

function judgeWorkspace({ workspace }: Places): Verdict {
  const { path, obstructed, forbidden, unwritable, holds, landed } = workspace;
  if (obstructed || forbidden !== undefined) {
    const reason = forbidden ?? 'it is not a directory, or cannot be entered';
    throw new SidecarError('sync.forbidden_workspace', { workspace: path, reason });
  }
  if (unwritable !== undefined) return failed('workspace.unwritable', { path, directory: unwritable });
  if (holds === undefined) return ok('workspace.to_be_made', { path });
  return holds === 'files' && !landed ? warning('workspace.holds_files', { path }) : ok('workspace.ready', { path });
}

function judgeState({ state: { path, unwritable } }: Places): Verdict {
  return unwritable === undefined
    ? ok('remote_state.ready', { path })
    : failed('remote_state.unwritable', { path, reason: unwritable });
}

const judgeSpaceThere = (space: Space | undefined, path: string): Verdict =>
  space === undefined ? skipped('space.unknown', { path }) : judgeSpace(space);

function judgeClock({ skewMs }: Pick<There, 'skewMs'>): Verdict {
  return Math.abs(skewMs) < skewLimitMs ? ok('clock.in_step', { skewMs }) : warning('clock.apart', { skewMs });
}

/** A lock that was left behind is taken over by the next landing. */
function judgeLock({ lock }: Places): Verdict {
  if (lock === undefined) return ok('landing.free', {});
  const { pid, holder } = lock;
  return holder === 'gone'
    ? ok('landing.left_lock', { pid })
    : warning('landing.under_way', { pid, sureOf: holder === 'alive' });
}
