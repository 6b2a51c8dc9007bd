import type { Context } from '../context.js';
import { runThere } from '../execution.js';
import type { ExecFlags } from './exec.js';

export async function ssh(context: Context, command: readonly string[], flags: ExecFlags): Promise<number> {
  return runThere(context, {
    command: command.length === 0 ? undefined : command,
    flags,
    onTerminal: flags.tty ?? context.terminal.isTerminal,
    agentAsConfigured: true,
  });
}
