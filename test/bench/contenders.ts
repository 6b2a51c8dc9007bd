import type { Contender } from './contender.js';
import { gitPush } from './contenders/git-push.js';
import { rsync, rsyncMaster } from './contenders/rsync.js';
import { sidecar, sidecarWarm } from './contenders/sidecar.js';
import { unison } from './contenders/unison.js';

/** Ours come first. */
export const contenders: readonly Contender[] = [sidecar, sidecarWarm, rsync, rsyncMaster, unison, gitPush];
