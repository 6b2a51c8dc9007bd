import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, type SettingFlags, type Settings } from '../../src/sidecars/settings.js';

describe('readSettings', () => {
  let base: string;
  let directory: string;
  let configDir: string;
  let projectFile: string;
  let userFile: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'sidecar-settings-'));
    directory = join(base, 'project', 'deep', 'down');
    configDir = join(base, 'config');
    projectFile = join(base, 'project', '.sidecar.json');
    userFile = join(configDir, 'config.json');
    await Promise.all([mkdir(directory, { recursive: true }), mkdir(configDir)]);
  });
  afterEach(() => rm(base, { recursive: true }));

  const read = (flags: SettingFlags = {}, env: Record<string, string> = {}): Promise<Settings> =>
    readSettings({ flags, env, directory, configDir });

  it('has a default for what nobody set', async () => {
    const source = { kind: 'default' };
    expect(await read()).toEqual({
      sidecar: { value: undefined, source },
      workdir: { value: undefined, source },
      drift: { value: 'save', source },
      connectTimeoutMs: { value: 90_000, source },
      forwards: { value: [], source },
      environment: {},
      afterLanding: { value: undefined, source },
    });
  });

  it('prefers flag, environment, project file, user file, in that order', async () => {
    await writeFile(userFile, '{"workdir": "user"}');
    expect((await read()).workdir).toEqual({ value: 'user', source: { kind: 'user', path: userFile } });
    await writeFile(projectFile, '{"workdir": "project"}');
    expect((await read()).workdir).toEqual({ value: 'project', source: { kind: 'project', path: projectFile } });
    const env = { SIDECAR_WORKDIR: 'env' };
    const variable = { kind: 'environment', variable: 'SIDECAR_WORKDIR' };
    expect((await read({}, env)).workdir).toEqual({ value: 'env', source: variable });
    expect((await read({ workdir: 'flag' }, env)).workdir).toEqual({ value: 'flag', source: { kind: 'flag' } });
  });

  it('takes each setting from its own best source', async () => {
    await writeFile(userFile, '{"drift": "refuse", "workdir": "user"}');
    await writeFile(projectFile, '{"sidecar": "web", "workdir": "project"}');
    const settings = await read({}, { SIDECAR_CONNECT_TIMEOUT: '2m' });
    expect([settings.sidecar, settings.workdir, settings.drift, settings.connectTimeoutMs].map((s) => s.value)).toEqual(
      ['web', 'project', 'refuse', 120_000],
    );
  });

  it('knows a variable for every setting, and takes an empty one as unset', async () => {
    const env = { SIDECAR_NAME: 'web', SIDECAR_WORKDIR: 'w', SIDECAR_DRIFT: 'refuse', SIDECAR_CONNECT_TIMEOUT: '5' };
    const { sidecar, workdir, drift, connectTimeoutMs } = await read({}, env);
    expect([sidecar.value, workdir.value, drift.value, connectTimeoutMs.value]).toEqual(['web', 'w', 'refuse', 5000]);
    const empty = Object.fromEntries(Object.keys(env).map((name) => [name, '']));
    expect(await read({}, empty)).toEqual(await read());
  });

  it('takes the nearest project file alone', async () => {
    await writeFile(projectFile, '{"drift": "refuse", "workdir": "far"}');
    await writeFile(join(directory, '.sidecar.json'), '{"workdir": "near"}');
    const { drift, workdir } = await read();
    expect([drift.value, workdir.value]).toEqual(['save', 'near']);
  });

  it.each([
    ['"90s"', 90_000],
    ['"1500ms"', 1500],
    ['120', 120_000],
    ['0.5', 500],
  ])('reads a connectTimeout of %s', async (json, ms) => {
    await writeFile(projectFile, `{"connectTimeout": ${json}}`);
    expect((await read()).connectTimeoutMs.value).toBe(ms);
  });

  it('takes a file that an editor saved: a byte order mark and a $schema are fine', async () => {
    await writeFile(projectFile, '\uFEFF{"$schema": "./settings.schema.json", "workdir": "w"}');
    expect((await read()).workdir.value).toBe('w');
  });

  describe('says what is wrong', () => {
    it.each([
      [
        '{"workdri": "w"}',
        'workdri',
        'unknown key "workdri"; known are $schema, sidecar, workdir, drift, connectTimeout, ignore, include, forwards, environment, afterLanding, providers, server',
      ],
      ['{"constructor": 1}', 'constructor', 'unknown key "constructor"'],
      ['{"__proto__": {"drift": "refuse"}}', '__proto__', 'unknown key "__proto__"'],
      ['{"drift": "ask"}', 'drift', `"drift" must be 'save' or 'refuse'`],
      ['{"workdir": ""}', 'workdir', '"workdir" must be a path'],
      ['{"workdir": "a\\u0000b"}', 'workdir', '"workdir" must be a path'],
      ['{"workdir": 5}', 'workdir', '"workdir" must be a path'],
      ['{"sidecar": "../x"}', 'sidecar', '"sidecar" must be a sidecar name'],
      ['{"connectTimeout": "soon"}', 'connectTimeout', `"connectTimeout" must be a duration such as '90s'`],
      ['{"connectTimeout": 0}', 'connectTimeout', 'above 0 and at most 24h'],
      ['{"connectTimeout": 86401}', 'connectTimeout', 'above 0 and at most 24h'],
      ['{"connectTimeout": "25h"}', 'connectTimeout', 'above 0 and at most 24h'],
      ['{"ignore": "x"}', 'ignore', '"ignore" must be a list of patterns'],
      ['{"ignore": ["a", 1]}', 'ignore.1', '"ignore" must be a list of patterns'],
      ['{"ignore": ["!a"]}', 'ignore.0', 'the pattern "!a" of "ignore" begins with `!`'],
      ['{"include": ["../a"]}', 'include.0', 'the pattern "../a" of "include" has a `.` or `..`'],
      ['{"include": ["#a"]}', 'include.0', 'begins with `#`'],
      ['{"include": [""]}', 'include.0', 'is empty'],
      ['{"include": ["a\\nb"]}', 'include.0', 'holds a line break'],
      ['{"include": ["[a/b]"]}', 'include.0', 'a bracket'],
      ['{"forwards": ["8080:"]}', 'forwards.0', '"forwards" must be a list of forwards'],
      ['{"forwards": [{"remote": "x"}]}', 'forwards.0.remote', '"forwards" must be a list of forwards'],
      ['{"environment": {"A-B": "1"}}', 'environment.A-B', '"environment" must be an object of variables'],
      ['{"environment": {"A": 1}}', 'environment.A', '"environment" must be an object of variables'],
      ['{"afterLanding": []}', 'afterLanding', '"afterLanding" must be a command'],
      ['{"afterLanding": [""]}', 'afterLanding', '"afterLanding" must be a command'],
      ['{"providers": {}}', 'providers', 'counts only in your own config.json'],
      ['{"providers": {"vms": {"command": ["/opt/vms"]}}}', 'providers', 'counts only in your own config.json'],
      ['{"server": "https://elsewhere.example"}', 'server', 'counts only in your own config.json'],
      ['{"server": 7}', 'server', 'must be the address of a control plane'],
    ])('in the project file %s', async (text, key, reason) => {
      await writeFile(projectFile, text);
      const facts = { file: projectFile, key, reason: expect.stringContaining(reason) as string };
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it.each([
      ['{"vms": {"command": ["vms"]}}', 'providers.vms.command'],
      ['{"vms": {"command": []}}', 'providers.vms.command'],
      ['{"vms": {"command": "/opt/vms"}}', 'providers.vms.command'],
      ['{"vms": {"command": ["/opt/vms"], "env": {}}}', 'providers.vms.env'],
      ['{"docker": {"command": ["/opt/vms"]}}', 'providers.docker'],
      ['{"Vms": {"command": ["/opt/vms"]}}', 'providers.Vms'],
    ])('in the providers of the user, %s', async (providers, key) => {
      await writeFile(userFile, `{"providers": ${providers}}`);
      const facts = { key, reason: expect.stringContaining('"providers" must be an object of programs') as string };
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it.each([
      ['{"drift":', 'not JSON'],
      ['[]', 'does not hold a JSON object'],
      ['null', 'does not hold a JSON object'],
      [`{"workdir": "${'w'.repeat(70_000)}"}`, 'larger than 64 KiB'],
    ])('with the whole of a file, %#', async (text, reason) => {
      await writeFile(userFile, text);
      const facts = { file: userFile, reason: expect.stringContaining(reason) as string };
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it.each([
      ['{\n  "drift": "ask"\n}', 2, 12],
      ['{\r\n\t"drift": "save",\r\n  "workdri": "w"\r\n}', 3, 3],
      ['{"ignore": [\n  "a",\n  "!b"\n]}', 3, 3],
      ['\uFEFF{"drift": 1}', 1, 11],
      ['{\n  "drift": "save",\n}', 2, 18],
      ['{\n  // why not\n  "drift": "save"\n}', 2, 3],
      ['{\n  "drift" "save"\n}', 2, 11],
      ['{"drift": "save"', 1, 17],
      ['[]', 1, 1],
      ['', 1, 1],
    ])('with its line and column: %j', async (text, line, column) => {
      await writeFile(projectFile, text);
      const facts = { file: projectFile, line, column };
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it('of a comma after the last one, and of a comment', async () => {
      await writeFile(projectFile, '{"drift": "save",}');
      await expect(read()).rejects.toThrow('it is not JSON: a comma after the last one');
      await writeFile(projectFile, '{"drift": "save" /* why not */}');
      await expect(read()).rejects.toThrow('it is not JSON: a comment');
    });

    it('in a file even when a flag outweighs it', async () => {
      await writeFile(projectFile, '{"drift": "ask"}');
      await expect(read({ drift: 'save' })).rejects.toMatchObject({ code: 'settings.invalid' });
    });

    it('in a variable', async () => {
      const facts = { variable: 'SIDECAR_DRIFT', reason: `SIDECAR_DRIFT must be 'save' or 'refuse'` };
      await expect(read({}, { SIDECAR_DRIFT: 'ask' })).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it('in a flag, as wrong usage', async () => {
      const facts = {
        option: '--connect-timeout',
        reason: expect.stringContaining('--connect-timeout must be') as string,
      };
      await expect(read({ connectTimeout: 'soon' })).rejects.toMatchObject({ code: 'usage.invalid', facts });
      await expect(read({ workdir: '' })).rejects.toMatchObject({ code: 'usage.invalid' });
    });
  });

  describe('a project file from a stranger', () => {
    it('makes us read no other file: a link is refused', async () => {
      await writeFile(join(base, 'secret'), '{"workdir": "s3cret"}');
      await symlink(join(base, 'secret'), projectFile);
      const facts = { file: projectFile, reason: 'it is a link' };
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts });
    });

    it('does not make us wait: a pipe and a directory are refused', async () => {
      await promisify(execFile)('mkfifo', [projectFile]);
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts: { file: projectFile } });
      await rm(projectFile);
      await mkdir(projectFile);
      await expect(read()).rejects.toMatchObject({ code: 'settings.invalid', facts: { file: projectFile } });
    });
  });

  it("follows a link to the user's file, as to a repository of dotfiles", async () => {
    await writeFile(join(base, 'dotfile'), '{"workdir": "mine"}');
    await symlink(join(base, 'dotfile'), userFile);
    expect((await read()).workdir.value).toBe('mine');
  });
});
