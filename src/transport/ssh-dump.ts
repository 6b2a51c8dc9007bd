import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { endGroup, endWithProcess, forgetEnded } from './route/end-group.js';

/** What `ssh -G` says about a host: every option in force, resolved from the command line and the user's files. */
export type SshDump =
  | {
      readonly kind: 'options';
      /** The values of an option, one for each line of it. Names are lower-case. */
      readonly values: (option: string) => readonly string[];
    }
  /** There is no ssh on the PATH. */
  | { readonly kind: 'no-ssh' }
  /** ssh refuses, for example a configuration file with an unknown option. */
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** It could not look up a name (CanonicalizeHostname), which waiting may cure. */
      readonly isUnresolved: boolean;
    };

export type Values = Extract<SshDump, { kind: 'options' }>['values'];

export interface DumpOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks the user's own ssh, which takes 6 to 8 ms. Like any ssh, it runs the commands of `Match exec`, which may take as long as
 * they like. Throws the signal's reason, once nothing of them is left.
 */
export async function dumpSshOptions(args: readonly string[], { env, signal }: DumpOptions): Promise<SshDump> {
  signal?.throwIfAborted();
  // -T: else it says on stderr that there will be no terminal.
  const child = spawn('ssh', ['-G', '-T', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  endWithProcess(child);
  let ending: Promise<void> | undefined;
  const onAbort = (): void => void (ending = endGroup(child));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
    if (status === 0) return { kind: 'options', values: parseDump(stdout) };
    if (status === 'ENOENT') return { kind: 'no-ssh' };
    const reason = /\S.*/.exec(stderr)?.[0].trimEnd() ?? `ssh ended with ${String(status)}`;
    return { kind: 'failed', reason, isUnresolved: /: Could not resolve host(name)? /.test(reason) };
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await ending;
    forgetEnded(child);
    signal?.throwIfAborted();
  }
}

/** Its exit status, the signal that ended it, or why it could not be started. */
function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.once('exit', (status, signal) => resolve(status ?? String(signal)));
  });
}

function parseDump(stdout: string): (option: string) => readonly string[] {
  const values = new Map<string, string[]>();
  for (const line of stdout.split(/\r?\n/)) {
    const [, option, value] = /^(\S+) (.+)$/.exec(line) ?? [];
    if (option === undefined || value === undefined) continue;
    const name = option.toLowerCase();
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return (option) => values.get(option) ?? [];
}
