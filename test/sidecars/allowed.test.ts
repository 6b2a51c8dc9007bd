import { copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AllowedFiles } from '../../src/sidecars/allowed.js';
import { readProjectFile, type SettingsFile } from '../../src/sidecars/settings-files.js';
import { readSettings, type Settings } from '../../src/sidecars/settings.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';

let place: Scratch;
let allowed: AllowedFiles;
let directory: string;
const at = (name: string): string => path.join(place.path, name);
beforeEach(() => {
  place = scratch();
  for (const name of ['app', 'other', 'config', 'state']) mkdirSync(at(name), { mode: 0o700 });
  allowed = new AllowedFiles(at('state'));
  directory = at('app');
});
afterEach(() => place.remove());

const write = (settings: object): void =>
  writeFileSync(path.join(directory, '.sidecar.json'), JSON.stringify(settings));
const writeUser = (settings: object): void => writeFileSync(at('config/config.json'), JSON.stringify(settings));

async function project(): Promise<SettingsFile> {
  const file = await readProjectFile(directory);
  if (file === undefined) throw new Error('there is none');
  return file;
}

const read = (): Promise<Settings> =>
  readSettings({ flags: {}, env: {}, directory, configDir: at('config'), isAllowed: (file) => allowed.has(file) });

const all = { afterLanding: ['make'], environment: { A: '1', B: '2' }, forwards: ['8080'] };

describe('what a project would run or open', () => {
  it('does not count until it is allowed, and is named; the rest of the file counts', async () => {
    write({ ...all, workdir: 'w' });
    const before = await read();
    expect([before.afterLanding.value, before.environment, before.forwards.value]).toEqual([undefined, {}, []]);
    expect(before.withheld).toEqual({
      file: path.join(directory, '.sidecar.json'),
      keys: ['afterLanding', 'environment', 'forwards'],
    });
    expect(before.workdir.value).toBe('w');
    await allowed.add(await project());
    const after = await read();
    expect([after.afterLanding.value, after.environment, after.forwards.value]).toEqual([
      ['make'],
      all.environment,
      ['8080'],
    ]);
    expect(after.withheld).toBeUndefined();
  });

  it.each([
    { afterLanding: ['make', 'all'] },
    { environment: { A: '1', B: '3' } },
    { environment: { A: '1' } },
    { forwards: ['8080', { remote: '9000' }] },
    { afterLanding: undefined },
  ])('has to be allowed again once it is another: %j', async (change) => {
    write(all);
    await allowed.add(await project());
    write({ ...all, ...change });
    expect((await read()).withheld).toBeDefined();
    write(all);
    expect((await read()).withheld).toBeUndefined();
  });

  it('stays allowed while only the rest of the file changes, or its layout', async () => {
    write(all);
    await allowed.add(await project());
    const { afterLanding, environment, forwards } = all;
    const turned = { forwards, drift: 'refuse', environment: { B: environment.B, A: environment.A }, afterLanding };
    writeFileSync(path.join(directory, '.sidecar.json'), JSON.stringify(turned, null, 4));
    expect((await read()).withheld).toBeUndefined();
  });

  it('is allowed in one place, by whatever way that is reached', async () => {
    write(all);
    await allowed.add(await project());
    copyFileSync(at('app/.sidecar.json'), at('other/.sidecar.json'));
    directory = at('other');
    expect((await read()).withheld).toBeDefined();
    symlinkSync(at('app'), at('link'));
    directory = at('link');
    expect((await read()).withheld).toBeUndefined();
  });

  it('may be disallowed again', async () => {
    write(all);
    expect(await allowed.remove(await project())).toBe(false);
    await allowed.add(await project());
    expect(await allowed.remove(await project())).toBe(true);
    expect((await read()).withheld).toBeDefined();
  });

  it('is noted where nobody else can write or read', async () => {
    write(all);
    await allowed.add(await project());
    expect(statSync(at('state/allowed.json')).mode & 0o777).toBe(0o600);
  });
});

describe('the settings of the user', () => {
  it('need no allowing, and count where those of a project do not', async () => {
    writeUser({ ...all, environment: { A: 'mine', C: 'mine' } });
    write({ afterLanding: 'make all', environment: { A: 'theirs' }, forwards: [] });
    const before = await read();
    expect([before.afterLanding.value, before.environment]).toEqual([['make'], { A: 'mine', C: 'mine' }]);
    expect(before.forwards.value).toEqual(['8080']);
    await allowed.add(await project());
    const after = await read();
    expect([after.afterLanding.value, after.environment]).toEqual([
      ['sh', '-c', 'make all'],
      { A: 'theirs', C: 'mine' },
    ]);
    expect(after.forwards.value).toEqual([]);
  });
});
