import type { Context } from '../context.js';
import { runThere, type ExecutionFlags } from '../execution.js';

export interface ExecFlags extends ExecutionFlags {
  /** Undefined where neither `-t` nor `-T` was said. */
  readonly tty?: boolean;
}

export async function exec(context: Context, command: readonly string[], flags: ExecFlags): Promise<number> {
  return runThere(context, { command, flags, onTerminal: flags.tty ?? false });
}
