import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bashCompletion } from '../../../cmd/completion/bash.js';
import { fishCompletion } from '../../../cmd/completion/fish.js';
import { verbsOf, type Verb } from '../../../cmd/completion/verbs.js';
import { zshCompletion } from '../../../cmd/completion/zsh.js';
import { createProgram } from '../../../cmd/program.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';

/** The verbs of the real command line. */
export const program = createProgram({
  run: () => Promise.resolve(),
  printHelp: () => undefined,
  printUsage: () => undefined,
});

/** A user at a prompt, in a directory with a few files, with two sidecars. */
export class Prompt {
  readonly #place: Scratch = scratch('sidecar-completion-');
  readonly #env: NodeJS.ProcessEnv;

  constructor(names: readonly string[] = ['db', 'web']) {
    this.write('work/src/main.c', '');
    this.write('work/some.txt', '');
    this.write('work/a file', '');
    this.write('work/file.txt', '');
    const quoted = names.map((name) => `'${name.replaceAll("'", `'\\''`)}'`).join(' ');
    this.program('sidecar', `[ "$1 $2" != '__complete names' ] || printf '%s\\n' ${quoted}`);
    this.program('sidecar-probe', '');
    const PATH = `${path.join(this.#place.path, 'bin')}:${process.env['PATH'] ?? ''}`;
    this.#env = { PATH, HOME: this.#place.path, TERM: 'xterm' };
  }

  write(file: string, content: string): string {
    const full = path.join(this.#place.path, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  }

  program(name: string, script: string): void {
    chmodSync(this.write(`bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
  }

  /** What bash offers at the end of each line. */
  bash(lines: readonly string[]): readonly string[][] {
    const script = this.write('completion.bash', bashCompletion(verbsOf(program)));
    // As readline cuts a line into words: an equals sign is one.
    const words = (line: string): string => line.replaceAll('=', ' = ').trimStart().split(' ').map(quote).join(' ');
    const asked = lines.map((line) => `at ${words(line)}`);
    // Whatever a user has set.
    const text = `source ${quote(script)}
IFS=$'\\n'
shopt -s failglob
at() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _sidecar
  printf '%s\\n' "\${COMPREPLY[@]}"
  echo --
}
${asked.join('\n')}`;
    return this.#run('bash', ['--norc', '--noprofile', '-c', text]);
  }

  /** What fish offers at the end of each line. */
  fish(lines: readonly string[]): readonly string[][] {
    const script = this.write('completion.fish', fishCompletion(verbsOf(program)));
    const asked = lines.map((line) => `complete -C '${line}'; printf '%s\\n' --`);
    return this.#run('fish', ['--no-config', '-c', `source '${script}'\n${asked.join('\n')}`]);
  }

  /** What zsh offers at the end of each line: typed into a real one, whose offers are written to a file. */
  zsh(lines: readonly string[], verbs: Verb = verbsOf(program)): readonly string[][] {
    const script = this.write('completion.zsh', zshCompletion(verbs));
    const offers = this.write('offers', '');
    const setup = this.write(
      'setup.zsh',
      `autoload -Uz compinit && compinit -u -D
source ${quote(script)}
compadd() {
  local -a hits
  if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- $hits >>${quote(offers)}
  fi
  builtin compadd "$@"
}
# It is asked for anew at every line.
told() { comppostfuncs=(told); print -r -- -- >>${quote(offers)}; print -n 'TO'LD }
comppostfuncs=(told)
bindkey '^I' list-choices
PS1=
print RE'ADY'`,
    );
    const driver = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell ${quote(`source ${setup}`)}
zpty -r shell out '*READY*'
${lines.map((line) => `zpty -w -n shell ${quote(line)}$'\\t'; zpty -r shell out '*TOLD*'; zpty -w -n shell $'\\x15'`).join('\n')}
zpty -d shell
cat ${quote(offers)}`;
    return this.#run('zsh', ['-f', '-c', driver]);
  }

  /** The offers, up to a line of two dashes for each. */
  #run(shell: string, args: readonly string[]): string[][] {
    const cwd = path.join(this.#place.path, 'work');
    const printed = execFileSync(shell, args, {
      cwd,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 150_000,
    }).toString();
    return printed
      .split(/^--\n/m)
      .slice(0, -1)
      .map((offers) =>
        [
          ...new Set(
            offers
              .split('\n')
              .map(offered)
              .filter((word) => word !== ''),
          ),
        ].sort(),
      );
  }

  [Symbol.dispose](): void {
    this.#place.remove();
  }
}

/** Without its description, and of a path what comes last. */
const offered = (line: string): string => (line.split('\t')[0] ?? '').replace(/\/$/, '').replace(/^src\//, '');

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
