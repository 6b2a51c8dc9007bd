import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { variablesFor } from '../../cmd/variables.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
beforeEach(() => {
  place = scratch();
});
afterEach(() => place.remove());

const variables = (given: Parameters<typeof variablesFor>[1], env: NodeJS.ProcessEnv = {}): Record<string, string> =>
  variablesFor({ env, directory: place.path }, given);

describe('the variables of a command', () => {
  it('are taken as they are, or from the environment here', () => {
    const env = { HERE: 'from here' };
    expect(variables({ env: ['A=1', 'B=x = "y"', 'C=', 'HERE', 'NOT_HERE', 'A=2'] }, env)).toEqual({
      ...{ A: '2', B: 'x = "y"', C: '', HERE: 'from here' },
    });
  });

  it('of files come first, without comments, and those of the command line outweigh them', () => {
    writeFileSync(path.join(place.path, '.env'), '# a comment\n\n  A=1\r\nB="quoted" # no comment\nHERE\n');
    expect(variables({ envFile: ['.env'], env: ['A=2'] }, { HERE: 'h' })).toEqual({
      ...{ A: '2', B: '"quoted" # no comment', HERE: 'h' },
    });
  });

  it.each([
    [{ env: ['1A=s3cret'] }, '--env: a variable is NAME=VALUE'],
    [{ env: ['=s3cret'] }, '--env: a variable is NAME=VALUE'],
    [{ env: ['A B=s3cret'] }, '--env: a variable is NAME=VALUE'],
    [{ env: ['A=s3cret\0'] }, 'the value of A holds a byte'],
    [{ envFile: ['missing'] }, '--env-file cannot be read'],
  ])('that are none are wrong usage, and are not shown: %j', (given, words) => {
    const failing = (): unknown => variables(given);
    expect(failing).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
    expect(failing).toThrow(words);
    expect(failing).not.toThrow('s3cret');
  });

  it('that a file has wrong are refused with their line', () => {
    const file = path.join(place.path, '.env');
    writeFileSync(file, '# a comment\nA=1\n  B C=s3cret\n');
    const facts = { file, line: 3, reason: 'a variable is NAME=VALUE, or the NAME of one' };
    expect(() => variables({ envFile: ['.env'] })).toThrow(expect.objectContaining({ code: 'usage.invalid', facts }));
  });
});
