import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProviderProgram, listProviderPrograms } from '../../../src/provider/exec/program.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { writeProviderProgram } from '../../fakes/provider-program.js';

describe('the program of a provider', () => {
  let place: Scratch;
  let bin: string;
  let configDir: string;
  let cwd: string;

  beforeEach(async () => {
    cwd = process.cwd();
    place = scratch();
    [bin, configDir] = [join(place.path, 'bin'), join(place.path, 'config')];
    await Promise.all([mkdir(bin), mkdir(configDir)]);
  });
  afterEach(() => {
    process.chdir(cwd);
    place.remove();
  });

  const find = (name: string, path = bin) => findProviderProgram(name, { env: { PATH: path }, configDir });
  const configure = (providers: unknown) => writeFile(join(configDir, 'config.json'), JSON.stringify({ providers }));

  it('is sidecar-provider-NAME on PATH, the first one', async () => {
    const other = join(place.path, 'other');
    await mkdir(other);
    await writeProviderProgram(other, 'vms', '');
    expect(await find('vms')).toBeUndefined();
    const program = await writeProviderProgram(bin, 'vms', '');
    expect(await find('vms', `${bin}:${other}`)).toEqual(program);
  });

  it('is what config.json of the user names, before any on PATH', async () => {
    await writeProviderProgram(bin, 'vms', '');
    await configure({ vms: { command: ['/opt/vms', '--region', 'eu'] } });
    expect(await find('vms')).toEqual({ name: 'vms', command: ['/opt/vms', '--region', 'eu'], source: 'settings' });
  });

  it.each(['', '.', './', 'bin'])(
    'is never found through the PATH entry "%s", which depends on where the user is',
    async (entry) => {
      process.chdir(place.path);
      await writeProviderProgram(entry === 'bin' ? bin : place.path, 'vms', '');
      expect(await find('vms', `${entry}:/nowhere`)).toBeUndefined();
      expect(await listProviderPrograms({ env: { PATH: `/nowhere:${entry}` }, configDir })).toEqual([]);
    },
  );

  it('has to be executable, and a file', async () => {
    const { command } = await writeProviderProgram(bin, 'vms', '');
    await mkdir(join(bin, 'sidecar-provider-folder'));
    expect(await find('folder')).toBeUndefined();
    await chmod(command[0], 0o644);
    expect(await find('vms')).toBeUndefined();
  });

  it.each(['local', 'docker', 'ssh', 'api', '', 'Vms', '1st', 'a/b', '../x', 'a b', 'a_b'])(
    'cannot have the name "%s"',
    async (name) => {
      await expect(find(name)).rejects.toMatchObject({ code: 'usage.invalid' });
    },
  );

  it('is listed with all others, by name', async () => {
    await writeProviderProgram(bin, 'vms', '');
    await writeProviderProgram(bin, 'docker', '');
    await writeProviderProgram(bin, 'Odd', '');
    await symlink(join(bin, 'sidecar-provider-vms'), join(bin, 'sidecar-provider-linked'));
    await symlink('/nowhere', join(bin, 'sidecar-provider-dangling'));
    await configure({ cloud: { command: ['/opt/cloud'] } });
    const found = await listProviderPrograms({ env: { PATH: `${bin}:/nowhere:${bin}` }, configDir });
    expect(found.map(({ name, source }) => [name, source])).toEqual([
      ['cloud', 'settings'],
      ['linked', 'path'],
      ['vms', 'path'],
    ]);
  });
});
