import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { everyVerb, verbsOf } from '../../../cmd/completion/verbs.js';
import { describeWith } from '../../fakes/parts.js';
import { program, Prompt } from './shells.js';

let prompt: Prompt;
beforeEach(() => (prompt = new Prompt()));
afterEach(() => prompt[Symbol.dispose]());

const expected: Readonly<Record<string, readonly string[]>> = {
  'sidecar us': ['use'],
  'sidecar drift sh': ['show'],
  'sidecar -C src sy': ['sync'],
  'sidecar help dr': ['drift'],
  'sidecar completion ': ['bash', 'fish', 'zsh'],
  // options, and what they take
  'sidecar sync --ad': ['--adopt'],
  'sidecar drift show --st': ['--stat'],
  'sidecar sync --drift ': ['refuse', 'save'],
  'sidecar create --provider ': ['api', 'docker', 'local'],
  'sidecar run --env-file so': ['some.txt'],
  'sidecar run --env-file some.txt --no-sy': ['--no-sync'],
  // names of sidecars
  'sidecar use ': ['db', 'web'],
  'sidecar --json forget w': ['web'],
  'sidecar delete d': ['db'],
  'sidecar -s d': ['db'],
  'sidecar sync --sidecar ': ['db', 'web'],
  // files and directories
  'sidecar explain so': ['some.txt'],
  'sidecar explain src/ma': ['main.c'],
  'sidecar -C s': ['src'],
  // commands, and what they are given
  'sidecar exec -- sidecar-pr': ['sidecar-probe'],
  'sidecar run -e A=1 -- sidecar-pr': ['sidecar-probe'],
  'sidecar watch -- cat so': ['some.txt'],
  'sidecar run -e A=1 -e B=2 -- cat so': ['some.txt'],
  'sidecar ssh -- sidecar-probe --js': [],
  // and nothing where something new is to be named
  'sidecar current x': [],
  'sidecar create s': [],
};
const lines = Object.keys(expected);

describeWith(['bash'], 'in bash, sidecar', () => {
  it('is completed at every place of the line', () => {
    const offers = prompt.bash(lines);
    expect(Object.fromEntries(lines.map((line, at) => [line, offers[at]]))).toEqual(expected);
  });

  it('is completed behind an equals sign, which bash takes for a word', () => {
    expect(prompt.bash(['sidecar sync --drift=', 'sidecar sync --drift=re'])).toEqual([['refuse', 'save'], ['refuse']]);
  });

  it('runs nothing that a name holds, and quotes it', () => {
    const odd = new Prompt(['$(touch run)', 'a b', "it's"]);
    expect(odd.bash(['sidecar use ', 'sidecar explain ru'])).toEqual([['\\$\\(touch\\ run\\)', 'a\\ b', "it\\'s"], []]);
    odd[Symbol.dispose]();
  });
});

describeWith(['fish'], 'in fish, sidecar', () => {
  it('is completed at every place of the line', () => {
    const offers = prompt.fish(lines);
    expect(Object.fromEntries(lines.map((line, at) => [line, offers[at]]))).toEqual(expected);
  });
});

describeWith(['zsh'], 'in zsh, sidecar', () => {
  it('is completed at every place of the line', () => {
    const offers = prompt.zsh(lines);
    expect(Object.fromEntries(lines.map((line, at) => [line, offers[at]]))).toEqual(expected);
  });

  it('may be described with any character', () => {
    const verbs = verbsOf(program);
    const description = `it's [all]: "of" $(touch run) \`it\` \\ here`;
    const odd = { ...verbs, flags: [{ names: ['--odd'], description }] };
    expect(prompt.zsh(['sidecar --od', 'sidecar explain ru'], odd)).toEqual([['--odd'], []]);
  });
});

describe('what is completed', () => {
  it('knows what every argument and every value is, where that can be known', () => {
    const known = everyVerb(verbsOf(program)).flatMap(({ path, places, flags }) => [
      ...places.map(({ label, takes }) => `${path} ${label}: ${takes.kind}`),
      ...flags.flatMap(({ names, value }) =>
        value === undefined ? [] : `${path} ${names.join()}: ${value.takes.kind}`,
      ),
    ]);
    expect(known).toEqual(
      expect.arrayContaining([
        ...[' -C: directory', ' -s,--sidecar: sidecar', 'use name: sidecar', 'create name: anything'],
        ...['drift show id: drift', 'drift restore paths: file', 'drift drop ids: drift'],
        ...['run command: command', 'exec command: command', 'ssh command: command', 'watch command: command'],
      ]),
    );
  });
});
