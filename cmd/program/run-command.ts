import type { Context } from '../context.js';

/** Runs one command with what it needs. A number that it gives back is what to exit with. */
export type RunCommand = (command: (context: Context) => Promise<unknown>) => Promise<void>;
