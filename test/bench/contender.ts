import type { Bed } from './bed.js';
import type { Project } from './project.js';

/** A way to bring a working tree to a machine. To add one: write it in `contenders/`, and name it in `contenders.ts`. */
export interface Contender {
  /** What `--contenders` and the table call it. */
  readonly name: string;
  /** Which of ours it is compared with: the one of its kind, cold or warm. */
  readonly comparedWith: string;
  /** Programs that it needs; it is left out where one is missing. */
  readonly needs: readonly string[];
  /** Gets ready to sync. Nothing that a user does before each sync belongs here. */
  begin(start: Start): Promise<Syncing>;
}

/** What a contender finds. */
export interface Start {
  readonly bed: Bed;
  readonly project: Project;
  /** Where the machine answers, at the other end of the delayed network. */
  readonly host: string;
  readonly port: number;
  /** The directory, on the machine, that the tree shall come to stand in. Its parent is there, for this contender only. */
  readonly workspace: string;
  /** What stands there: nothing, not even the directory, or a clone. */
  readonly from: 'empty' | 'clone';
  /** A directory on this side for whatever it keeps between syncs. It is removed with all that is in it. */
  readonly keep: string;
  /** The Node that runs our client. */
  readonly node: string;
  readonly signal: AbortSignal;
}

/** A contender that is ready. */
export interface Syncing {
  /** What a user would run to sync once. It is timed from its start until it has ended. */
  readonly command: Command;
  /** What must be done before each sync to make it a fair one. Not timed. */
  readonly prepare?: () => Promise<void>;
  /** Processes on this side that stay from sync to sync: their memory counts as well. Asked before each sync. */
  readonly residents?: () => Promise<readonly number[]>;
  /** Where the time went, as the command's output says. Parts may overlap. Throws when it says something else. */
  readonly partsMs?: (stdout: string, wallMs: number) => Readonly<Record<string, number>>;
  /** Ends what stays from sync to sync. */
  readonly stop?: () => Promise<void>;
}

/** It is run at the root of the working tree. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Default: that of the user on this side. */
  readonly env?: NodeJS.ProcessEnv;
}
