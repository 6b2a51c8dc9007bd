import { execFile } from 'node:child_process';

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
  | { readonly kind: 'failed'; readonly reason: string };

export type Values = Extract<SshDump, { kind: 'options' }>['values'];

/** Asks the user's own ssh, which takes 6 to 8 ms. Like any ssh, it runs the commands of `Match exec`. */
export function dumpSshOptions(args: readonly string[], env: NodeJS.ProcessEnv): Promise<SshDump> {
  return new Promise((resolve) => {
    // -T: else it says on stderr that there will be no terminal.
    const child = execFile('ssh', ['-G', '-T', ...args], { env }, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'options', values: parseDump(stdout) });
      else if (error.code === 'ENOENT') resolve({ kind: 'no-ssh' });
      else resolve({ kind: 'failed', reason: /\S.*/.exec(stderr)?.[0].trimEnd() ?? error.message });
    });
    child.stdin?.end();
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
