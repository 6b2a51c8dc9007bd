import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { removeDirectory } from '../../fakes/remove-directory.js';
import { findPart } from '../../fakes/parts.js';

/**
 * What happens at one step, a step being a program that is started. The far half's own shell is *the shell*.
 *
 *   the shell is killed        before the program runs, or after; or just before, and the program runs on without it
 *   everything is killed       the shell, its subshells and programs, as when a machine dies, before or after
 *   the starter is killed      whatever it was: the shell, a subshell, the command itself
 *   the starter is stopped     as by SIGSTOP: it hangs
 *   the program fails          without having run, or after it has done its work; with the words of a full disk
 *   the program is killed      without having run, or in the middle of a write: then the shell lives on, or dies too
 *   it waits                   until `onReached` has done what it is for
 */
export const faults = {
  'the shell is killed before': 'kill -9 "$main"; exit 137',
  'the shell is killed after': '"$real" "$@"; kill -9 "$main"; exit 137',
  'the shell is killed while git works': 'kill -9 "$main"; exec "$real" "$@"',
  'everything is killed before': 'kill -9 0',
  'everything is killed after': '"$real" "$@"; kill -9 0',
  'the starter is killed before': 'kill -9 "$PPID"; exit 137',
  'the starter is killed after': '"$real" "$@"; kill -9 "$PPID"',
  'the starter is killed, and it works on': 'kill -9 "$PPID"; exec "$real" "$@"',
  'the starter is stopped': 'kill -STOP "$PPID"; exec "$real" "$@"',
  'it fails': 'echo "fatal: write error: No space left on device" >&2; exit 128',
  'it fails when all is done': '"$real" "$@"; echo "fatal: close error: No space left on device" >&2; exit 128',
  'it is killed': 'kill -9 $$',
  'it is killed in a write': '(ulimit -f 8; exec "$real" "$@")',
  'it is killed in a write, and the shell too': '(ulimit -f 8; exec "$real" "$@"); kill -9 "$main"; exit 137',
  'it waits': 'echo reached >"$dir/reached"; read -r go <"$dir/go"; exec "$real" "$@"',
} as const;

export type StepFault = keyof typeof faults;

/** All that the far half starts. */
const farPrograms =
  'sh git awk cat cmp cp cut date find grep head ln ls mkdir mv readlink rm sed sleep touch tr wc'.split(' ');

/**
 * A PATH whose programs count themselves, and at a chosen one something happens. Everything else runs as ever.
 */
export class FarSteps {
  readonly #directory: string;
  readonly #go: number;

  constructor(directory: string, programs: readonly string[] = farPrograms) {
    this.#directory = directory;
    mkdirSync(path.join(directory, 'bin'), { recursive: true });
    for (const program of programs) {
      const real = findPart(program);
      if (real === undefined) continue;
      writeFileSync(path.join(directory, 'bin', program), shim(program, { real, directory }), { mode: 0o755 });
    }
    execFileSync('mkfifo', [this.#at('go')]);
    // Open in both ways it never blocks, and neither does a program that opens it to wait.
    this.#go = openSync(this.#at('go'), constants.O_RDWR | constants.O_NONBLOCK);
    this.plan();
  }

  get env(): Record<string, string> {
    return { PATH: `${path.join(this.#directory, 'bin')}:${process.env['PATH'] ?? ''}` };
  }

  /** Starts to count anew. `at` is a step, counted from 1, or a pattern of the shell: the first command line like it. */
  plan(at: number | string = 0, fault: StepFault = 'it fails'): void {
    removeDirectory(this.#at('steps')); // a step of before may still be noting itself
    for (const file of ['main', 'reached', 'struck']) rmSync(this.#at(file), { force: true });
    mkdirSync(this.#at('steps'));
    writeFileSync(this.#at('plan'), `${Object.keys(faults).indexOf(fault)}\n${at}\n`);
  }

  /** Whether it came to the step. */
  get struck(): boolean {
    return existsSync(this.#at('struck'));
  }

  /** The steps so far, as command lines. */
  get taken(): string[] {
    const steps = readdirSync(this.#at('steps')).sort((a, b) => Number(a) - Number(b));
    return steps.map((step) => readFileSync(path.join(this.#at('steps'), step), 'utf8').split('\n')[0] ?? '');
  }

  /** Does something when the step is reached at which a program waits, and lets it go on then. */
  onReached(act: () => unknown): { stop(): void } {
    const watcher = watch(this.#directory, (_, name) => {
      if (name !== 'reached') return;
      watcher.close();
      void Promise.resolve(act()).finally(() => writeSync(this.#go, 'go\n'));
    });
    return { stop: () => watcher.close() };
  }

  close(): void {
    closeSync(this.#go);
  }

  #at(name: string): string {
    return path.join(this.#directory, name);
  }
}

/** `set -C` makes `>` fail for a file that exists: whoever makes the file has the number. */
function shim(program: string, { real, directory }: { real: string; directory: string }): string {
  return `#!/bin/sh
dir='${directory}' real='${real}' n=1
set -C
${program === 'sh' ? '{ true >"$dir/main" && echo $$ >|"$dir/main"; } 2>/dev/null' : ''}
until echo '${program}' "$*" >"$dir/steps/$n"; do n=$((n + 1)); done 2>/dev/null
{ read -r fault && read -r at; } <"$dir/plan"
case "$n" in $at) at=* ;; esac
case "${program} $*" in
  $at) { true >"$dir/struck"; } 2>/dev/null || exec "$real" "$@" ;;
  *) exec "$real" "$@" ;;
esac
set +C
main=$PPID
if [ -f "$dir/main" ]; then read -r main <"$dir/main"; fi
case $fault in
${Object.values(faults)
  .map((act, index) => `${index}) ${act} ;;`)
  .join('\n')}
esac
`;
}
