import type { Contender } from './contender.js';
import { gitPush } from './contenders/git-push.js';
import { rsync, rsyncMaster } from './contenders/rsync.js';
import { sidecar } from './contenders/sidecar.js';
import { unison } from './contenders/unison.js';

/** The others are compared with the first of those that take part: ours, unless it was not chosen. */
export const contenders: readonly Contender[] = [sidecar, rsync, rsyncMaster, unison, gitPush];
