import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { Canary } from './canary.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';
import { shellsWithStartFiles, writeStartFile, type StartFileShell } from './start-files.js';

/** What would run if a line that is meant for our script were taken for a command. */
const name = '$(sing) `sing`; sing';

let side: FarSide;
let canary: Canary;
beforeEach(() => {
  side = new FarSide({ name });
  canary = new Canary(side.stateDir);
  side.repo.write('f', 'x\n');
});
afterEach(() => {
  expect(canary.sang).toBe('');
  side.remove();
});

const login = (shell: StartFileShell, startFile: string): { shell: string; farEnv: Record<string, string> } => {
  const env = writeStartFile(side, shell, startFile);
  return { shell, farEnv: { ...env, PATH: `${canary.directory}:${process.env['PATH'] ?? ''}` } };
};

const nonce = '0123456789abcdef01234567';

/** Start files that print, in the words of every shell. */
const printing: Readonly<Record<string, string>> = {
  'lines and no newline at the end': 'echo welcome; printf "no newline"; echo also here >&2',
  'what our answers look like': `echo "${nonce} workspace /etc"; echo "git version 1.0"; echo "error failed x"; echo "done 0 -"`,
  'escape sequences and bytes that are no text': 'printf "\\033[31m\\033]0;x\\007\\233\\377\\000"',
  '10 MB in one line': 'head -c 10000000 /dev/zero | tr "\\000" x',
  '10 MB in short lines': 'yes | head -c 10000000',
  '10 MB on stderr': 'yes | head -c 10000000 >&2',
};

/** Start files that leave nothing, or the wrong thing, to whoever comes after them. */
const hindering: Readonly<Record<string, string>> = {
  'reads a byte of stdin': 'sh -c "head -c 1 >/dev/null"',
  'reads a piece of stdin': 'sh -c "dd bs=1 count=1000 >/dev/null 2>&1"',
  'reads a line of stdin': 'sh -c "read -r line"',
  'reads a block of stdin': 'sh -c "dd bs=4096 count=3 >/dev/null 2>&1"',
  'ends the login': 'exit 3',
};

/** All of them with bash, and in the longer run with every shell. */
const some = (shell: StartFileShell, files: Readonly<Record<string, string>>, few: number): [string, string][] =>
  Object.entries(files).slice(0, shell === 'bash' || scale > 1 ? undefined : few);

for (const shell of Object.keys(shellsWithStartFiles) as StartFileShell[]) {
  describeWith([shell], `a login shell, ${shell}, whose start file`, () => {
    it.for(some(shell, printing, 4))('prints %s: the tree lands', async ([, startFile], context) => {
      const { workspace, verified } = await side.sync(login(shell, startFile));
      expect({ workspace, verified }).toEqual({ workspace: side.workspace, verified: true });
      expect(side.there()).toEqual(side.here());
      tried(context, { fault: 'noise', where: 'from start files of 3 login shells', times: 1, outcome: 'harmless' });
    });

    it.for(some(shell, hindering, 3))('%s: no line is taken for another', async ([, startFile], context) => {
      const options = login(shell, startFile);
      const failed = await side.sync(options).catch((error: unknown) => error);
      if (failed instanceof Error) {
        expect(failed).toMatchObject({ code: 'sync.remote_failed' });
        expect(existsSync(side.workspace)).toBe(false);
        expect(existsSync(path.join(side.home, '.local/state/sidecar'))).toBe(false);
        writeStartFile(side, shell, '');
        await side.sync(options);
      } else {
        // fish and tcsh do not let a start file end them.
        expect(startFile).toBe('exit 3');
      }
      expect(side.there()).toEqual(side.here());
      tried(context, {
        fault: 'input taken or login ended',
        where: 'by start files of 3 login shells',
        times: 1,
        outcome: 'clear error; finished once the cause was gone',
      });
    });
  });
}
