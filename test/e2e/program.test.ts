import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram, packageRoot } from '../fakes/built-program.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

describe('the built program', () => {
  it('prints its version and loads next to nothing for it', async () => {
    const coverage = user.directory('coverage');
    const { code, stdout, stderr } = await user.startWith({ NODE_V8_COVERAGE: coverage }, '--version').ended;

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const own = scriptsIn(coverage).map((script) => fileURLToPath(script));
    expect(own.filter((script) => !script.startsWith(path.join(packageRoot, 'dist/')))).toEqual([]);
    // Less than the code of any command.
    expect(own.reduce((bytes, script) => bytes + statSync(script).size, 0)).toBeLessThan(8_000);
  });

  it('lists the sidecars without loading SSH, the watcher, the library of git or cryptography', async () => {
    await user.type('add', 'web', 'one.example');
    const { files, builtins } = await loadedBy('-s', 'web', 'list');

    const dist = path.join(packageRoot, 'dist/cmd');
    expect(files).toEqual([path.join(dist, 'sidecar.js'), path.join(dist, 'process.js')]);
    expect(builtins).toContain('NativeModule fs');
    expect(builtins).not.toContain('NativeModule crypto');
  });

  it('works whatever editor, pager and hooks of git are around it', async () => {
    const programs = {
      EDITOR: 'vi',
      VISUAL: 'vi',
      PAGER: 'less',
      PREFIX: '/usr',
      SSH_ASKPASS: 'ask',
      GIT_EDITOR: 'vi',
    };
    const hook = { GIT_DIR: '/nowhere', GIT_INDEX_FILE: '/nowhere/index' };
    const { ended } = user.startWith({ ...programs, ...hook }, 'add', 'web', 'one.example');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    expect((await user.type('current')).stdout).toBe('web\n');
  });

  it('keeps answers on stdout and words about them on stderr', async () => {
    await user.type('add', 'web', 'one.example');
    expect(await user.type('current')).toEqual({ code: 0, stdout: 'web\n', stderr: '' });
    expect(await user.type('-s', 'db', 'current')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'sidecar: there is no sidecar named db\n  hint: there is web; `sidecar list` says more\n',
    });
  });

  it('does not call it done when its answer could not be printed', async () => {
    const line = 'exec "$@" > /dev/full';
    const { code, stderr } = await user.startProgram('sh', ['-c', line, 'sh', ...user.command('list', '--json')]).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sidecar: cannot print: .*ENOSPC/);
  });

  it.each([
    ['wrong usage', ['lst', '--json'], 2, 'usage.invalid'],
    ['an unknown sidecar', ['sync', '-s', 'nobody', '--json'], 1, 'sidecar.unknown'],
    ['no sidecar at all', ['--json', 'sync'], 1, 'sidecar.none_selected'],
  ])('ends %s with its code and one document on stderr', async (_, argv, exitCode, errorCode) => {
    const { code, stdout, stderr } = await user.type(...argv);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: errorCode } });
  });

  it('with --best-effort takes it well that there is no sidecar', async () => {
    const said = await user.type('sync', '--best-effort');
    expect({ code: said.code, stdout: said.stdout }).toEqual({ code: 0, stdout: '' });
    expect(said.stderr).toBe('sidecar: warning: nothing was synced: no sidecar is selected for this working tree\n');

    const { code, stdout, stderr } = await user.type('sync', '--best-effort', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ skipped: true, error: { code: 'sidecar.none_selected' } });
  });
});

/** What is in the memory of the command when it ends: files, and parts of Node. */
async function loadedBy(...argv: string[]): Promise<{ readonly files: string[]; readonly builtins: string[] }> {
  const place = user.directory('loaded');
  const [witness, account] = [path.join(place, 'witness.cjs'), path.join(place, 'account.json')];
  const say = `{ files: Object.keys(require.cache).slice(1), builtins: process.moduleLoadList }`;
  const write = `require('fs').writeFileSync(${JSON.stringify(account)}, JSON.stringify(${say}))`;
  writeFileSync(witness, `process.on('exit', () => ${write})`);
  const { code, stderr } = await user.startWith({ NODE_OPTIONS: `--require ${witness}` }, ...argv).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(readFileSync(account, 'utf8')) as { files: string[]; builtins: string[] };
}

/** What Node loaded, by the account that it keeps for coverage. */
function scriptsIn(coverage: string): string[] {
  return readdirSync(coverage).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(path.join(coverage, file), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
}
