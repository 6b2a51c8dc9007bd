import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain } from '../../../cmd/ui/explain.js';
import { SidecarError } from '../../../src/errors.js';
import { describeWith, findPart } from '../../fakes/parts.js';
import { FarSide } from '../../sync/far-side.js';
import { tried, type FaultTrial } from '../ledger.js';
import { Stakes } from '../bed/stakes.js';

type Login = { readonly shell?: string; readonly farEnv?: Record<string, string>; readonly workdir?: string };

let side: FarSide;
let stakes: Stakes;
beforeEach(() => {
  side = new FarSide();
  stakes = new Stakes(side);
});
afterEach(() => side.remove());

async function landsTwice(login: Login): Promise<void> {
  await stakes.finish(login);
  stakes.work('later');
  const { drift } = await stakes.finish(login);
  expect(drift?.modified).toEqual(['both', 'theirs']);
  expect((await stakes.finish(login)).upToDate).toBe(true);
}

const row = (where: string, times: number, outcome: FaultTrial['outcome']): FaultTrial => ({
  fault: 'odd machine',
  where,
  times,
  outcome,
});

/** A directory that holds these programs, the real ones. */
function binaries(programs: readonly string[]): string {
  const bin = path.join(
    side.home,
    '..',
    `bin-${programs.length}-${String(readdirSync(path.dirname(side.home)).length)}`,
  );
  mkdirSync(bin);
  for (const program of programs) side.far('ln', '-s', findPart(program) ?? '', path.join(bin, program));
  return bin;
}

/** A login shell that begins with this line. */
function loginWith(line: string): string {
  const shell = path.join(side.home, '..', 'login');
  writeFileSync(shell, `#!/bin/sh\n${line}\nexec /bin/sh "$@"\n`, { mode: 0o755 });
  return shell;
}

async function refusal(login: Login): Promise<{ code: string; message: string; hint: string }> {
  const answer = await stakes.attempt(login);
  if (!(answer instanceof SidecarError)) throw new Error('it landed');
  return { code: answer.code, ...explain(answer) };
}

const needed = 'awk cat cmp cut date find grep head ln ls mkdir mv readlink rm sed sleep touch tr'.split(' ');
const welcome = ['cp', 'wc'];

describe('a sidecar on which a program is missing', () => {
  it('gets the tree with no more than is needed: no mktemp, no sha256sum, nothing of the rest', async (context) => {
    await landsTwice({ farEnv: { PATH: binaries(['sh', 'git', ...needed]) } });
    tried(context, row('only sh, git and 18 tools on PATH', 1, 'harmless'));
  });

  it('gets the tree whichever of those is missing that can be done without', async (context) => {
    for (const missing of welcome) {
      const farEnv = { PATH: binaries(['sh', 'git', ...needed, ...welcome].filter((name) => name !== missing)) };
      stakes.work(missing);
      await stakes.finish({ farEnv });
    }
    tried(context, row('a tool missing that can be done without', welcome.length, 'harmless'));
  });

  it('is told which, and nothing is changed', async (context) => {
    await stakes.finish();
    stakes.work('later');
    for (const missing of needed) {
      const farEnv = { PATH: binaries(['sh', 'git', ...needed.filter((name) => name !== missing)]) };
      expect(await refusal({ farEnv })).toMatchObject({
        code: 'sync.remote_failed',
        message: expect.stringMatching(new RegExp(`missing on the sidecar.*: ${missing}$`)) as string,
      });
    }
    const { message } = await refusal({ farEnv: { PATH: binaries(['sh', 'git']) } });
    expect(message).toMatch(new RegExp(`: ${needed.join(' ')}$`));
    await stakes.finish();
    tried(
      context,
      row('a tool missing that is needed', needed.length + 1, 'clear error; finished once the cause was gone'),
    );
  });

  it('is told apart when that program is git', async (context) => {
    const { code, message, hint } = await refusal({ farEnv: { PATH: binaries(['sh', ...needed]) } });
    expect({ code, message }).toMatchObject({
      code: 'sync.remote_git',
      message: expect.stringContaining('not installed') as string,
    });
    expect(hint).toContain('2.20');
    await stakes.finish();
    tried(context, row('git missing or too old', 1, 'clear error; finished once the cause was gone'));
  });
});

describe('a sidecar whose git', () => {
  /** Old versions cannot be had here: the real one says that it is another. */
  const git = (version: string): string => {
    const bin = binaries([]);
    const script = `#!/bin/sh\n[ "$1" != version ] || { echo 'git version ${version}'; exit; }\nexec ${findPart('git') ?? ''} "$@"\n`;
    writeFileSync(path.join(bin, 'git'), script, { mode: 0o755 });
    return `${bin}:${process.env['PATH'] ?? ''}`;
  };

  it.each(['2.19.6', '2.9.0.windows.1'])('is %s is refused, before anything is written', async (version) => {
    expect((await refusal({ farEnv: { PATH: git(version) } })).code).toBe('sync.remote_git');
    expect(readdirSync(side.home)).not.toContain('app');
  });

  it.each(['2.20.0', '2.39.5 (Apple Git-154)'])('says that it is %s gets the tree', async (version) => {
    await landsTwice({ farEnv: { PATH: git(version) } });
  });
});

describeWith(['busybox'], 'a sidecar whose every program but git is busybox', () => {
  it('gets the tree, and takes over what a killed landing left', async (context) => {
    const bin = binaries([]);
    side.far('sh', '-c', `busybox --install -s ${bin} && ln -sf "$(command -v git)" ${bin}`);
    const login = { shell: path.join(bin, 'ash'), farEnv: { PATH: bin } };
    await landsTwice(login);
    const state = path.join(side.home, '.local/state/sidecar');
    side.far(
      'sh',
      '-c',
      `cd ${state}/workspaces/* && ln -s 1:1:elsewhere sidecar/lock && touch -h -d yesterday sidecar/lock`,
    );
    stakes.work('last');
    await stakes.finish(login);
    tried(context, row('busybox userland', 1, 'harmless'));
  });
});

describe('a login', () => {
  it.each([
    ['refuses everybody', '/bin/false', /ended with exit code 1/],
    ['is closed', findPart('nologin') ?? '/usr/sbin/nologin', /exit code 1|not available/],
  ])('whose shell %s is told', async (_, shell, words) => {
    const { code, message, hint } = await refusal({ shell });
    expect(code).toMatch(/^sync\.(remote_failed|bad_reply)$/);
    expect(message).toMatch(words);
    expect(hint).not.toBe('');
  });

  it('without HOME is told', async (context) => {
    const { code, message } = await refusal({ shell: loginWith('unset HOME') });
    expect({ code, message }).toEqual({
      code: 'sync.remote_failed',
      message: expect.stringContaining('HOME is not set') as string,
    });
    expect((await refusal({ farEnv: { HOME: '/nowhere' } })).message).toContain(
      'the home directory /nowhere cannot be entered',
    );
    await stakes.finish();
    tried(context, row('HOME unset, or not there', 2, 'clear error; finished once the cause was gone'));
  });

  it.each(['000', '077', '027'])(
    'with the umask %s gets the tree; our state there is its owner’s alone',
    async (umask) => {
      await landsTwice({ shell: loginWith(`umask ${umask}`) });
      const state = path.join(side.home, '.local/state/sidecar');
      const [shadow = ''] = readdirSync(path.join(state, 'workspaces'));
      for (const directory of [state, path.join(state, 'workspaces'), path.join(state, 'workspaces', shadow)]) {
        expect(statSync(directory).mode & 0o777).toBe(0o700);
      }
    },
  );

  it('whose TMPDIR cannot be written gets the tree', async () => {
    await landsTwice({ farEnv: { TMPDIR: '/proc/nowhere' } });
  });
});

describe('a workspace whose path', () => {
  const deep = (bytes: number): string => {
    const parts = Array.from({ length: Math.floor(bytes / 200) }, (_, index) => `${index}`.padEnd(199, 'x'));
    return path.join(side.home, ...parts);
  };

  it('is very long gets the tree', async () => {
    const workdir = deep(3_000);
    expect((await side.sync({ workdir })).verified).toBe(true);
    side.repo.write('both', 'edited\n');
    expect(await side.sync({ workdir })).toMatchObject({ verified: true, changed: { modified: 1 } });
  });

  it('is longer than any system allows is refused', async () => {
    expect((await refusal({ workdir: deep(5_000) })).code).toBe('usage.invalid');
  });

  it('goes through directories that are not there yet gets the tree', async () => {
    expect((await side.sync({ workdir: 'a/b/c' })).verified).toBe(true);
    expect(side.far('ls', 'a/b/c')).toContain('tool');
  });

  it('would go through new directories makes none of them in a dry run', async () => {
    expect(await side.sync({ workdir: 'a/b/c', dryRun: true })).toMatchObject({
      verified: false,
      changed: { deleted: 0 },
    });
    expect(readdirSync(side.home)).not.toContain('a');
  });
});
