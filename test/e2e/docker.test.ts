import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import type { Said } from '../fakes/command-line.js';
import { describeWithEngine, Docker } from '../fakes/docker.js';
import { type Scratch, scratch } from '../fakes/git-repo.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { unusedPort } from '../fakes/unused-port.js';

describeWithEngine('docker', 'a sidecar that is a container', () => {
  let place: Scratch;
  let docker: Docker;
  beforeAll(async () => {
    place = scratch('sidecar-docker-');
    docker = await Docker.start(place.path, { ports: true });
    docker.importImage('full', { programs: ['git', 'sshd'], changes: ['USER dev'] });
  });
  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    place.remove();
  });

  let user: BuiltProgram;
  beforeEach(() => {
    user = new BuiltProgram();
    user.project.write('hello.txt', 'hello\n');
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
    const left = docker.run('ps', '-aq').split('\n').filter(Boolean);
    if (left.length > 0) docker.run('rm', '--force', ...left);
  });

  const type = (...argv: string[]): Promise<Said> => user.startWith({ DOCKER_HOST: docker.host }, ...argv).ended;

  const create = (...argv: string[]): Promise<Said> =>
    type('create', 'web', '--provider', 'docker', '--image', 'full', ...argv);

  it('is made, synced, used and deleted, and the next one of its name on its port is no stranger', async () => {
    const port = String(await unusedPort());
    for (let times = 0; times < 2; times += 1) {
      expect(await create('--publish', port)).toMatchObject({
        code: 0,
        stdout: '✓ created web, now the current sidecar\n',
      });
      const synced = await type('sync');
      expect(synced, synced.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^✓ web:\/home\/dev\/project: 1 added .* proved\n$/) as string,
      });
      expect(await type('run', '--', 'sh', '-c', 'id -un; cat hello.txt')).toMatchObject({
        code: 0,
        stdout: 'dev\nhello\n',
      });
      expect(await type('delete', 'web')).toMatchObject({ code: 0 });
      expect(docker.run('ps', '-aq')).toBe('');
    }
  });

  it('needs no port, and lands the tree in one command', async () => {
    const said = await create('--sync');
    expect(said, said.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('proved') as string });
  });

  it('is refused where it shows another host key than the one that it was given', async () => {
    await create('--sync');
    docker.run('exec', '--user', '0', 'sidecar-web', 'sh', '-c', 'rm /etc/sidecar/host_key*');
    const key = await makeKey(user.directory('keys'), 'other');
    docker.run('cp', key.path, 'sidecar-web:/etc/sidecar/host_key');
    docker.run(
      'exec',
      '--user',
      '0',
      'sidecar-web',
      'sh',
      '-c',
      'chown root /etc/sidecar/host_key; chmod 600 /etc/sidecar/host_key',
    );
    const refused = await type('sync');
    expect(refused).toMatchObject({ code: 255, stderr: expect.stringContaining('host key') as string });
  });

  it.each(['stop', 'kill'])(
    'is started again where it was ended by `docker %s`, with all that was in it',
    async (how) => {
      await create('--sync');
      docker.run(how, 'sidecar-web');
      user.project.write('more.txt', 'more\n');
      const synced = await type('sync');
      expect(synced, synced.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('1 added') as string });
    },
  );

  it('that was removed behind our back is said to be gone, with what to do', async () => {
    await create('--sync');
    docker.run('rm', '--force', 'sidecar-web');
    const synced = await type('sync');
    expect(synced.code).not.toBe(0);
    expect(synced.stderr).toContain('the machine of web is gone');
    expect(synced.stderr).toContain('sidecar delete web');
    expect((await type('delete', 'web')).code).toBe(0);
    expect((await create()).code).toBe(0);
  });

  it('is not made twice, and nothing is left of the one that was not', async () => {
    docker.run('create', '--name', 'sidecar-web', 'full', 'true');
    const refused = await create();
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sidecar-web is the name of a container that is no sidecar already') as string,
    });
    expect(refused.stderr).toContain('docker rm -f');
    expect((await type('list', '--json')).stdout).toBe('[]\n');
  });

  it('says how an engine is started that does not run', async () => {
    const { stderr, code } = await user.startWith(
      { DOCKER_HOST: 'unix:///nonexistent' },
      'create',
      'web',
      '--provider',
      'docker',
      '--image',
      'full',
    ).ended;
    expect(code).not.toBe(0);
    expect(stderr).toContain('no container engine is running at unix:///nonexistent');
    expect(stderr).toContain('systemctl start docker');
  });

  it('is made by the devcontainer.json of the directory that -C names', async () => {
    const there = user.directory('there');
    for (const name of ['.devcontainer.json', 'other.json']) {
      writeFileSync(path.join(there, name), '{ "dockerComposeFile": "compose.yml" }');
    }
    const make = (...argv: string[]): Promise<Said> =>
      type('-C', there, 'create', 'web', '--provider', 'docker', '--devcontainer', ...argv);
    expect((await make()).stderr).toContain(`${there}/.devcontainer.json uses Docker Compose`);
    expect((await make('other.json')).stderr).toContain(`${there}/other.json uses Docker Compose`);
  });

  it('is made by no devcontainer.json above the working tree, whose commands would run here', async () => {
    const above = path.dirname(user.project.root);
    writeFileSync(path.join(above, '.devcontainer.json'), '{ "dockerComposeFile": "compose.yml" }');
    const { code, stderr } = await type('create', 'web', '--provider', 'docker', '--devcontainer');
    const refused = { code: 2, stderr: expect.stringContaining('there is no devcontainer.json in ') as string };
    expect({ code, stderr }).toMatchObject(refused);
    const link = user.directory('elsewhere');
    symlinkSync(above, path.join(link, 'above'));
    const way = path.join(link, 'above', path.basename(user.project.root));
    expect(await type('-C', way, 'create', 'web', '--provider', 'docker', '--devcontainer')).toMatchObject(refused);
    rmSync(path.join(above, '.devcontainer.json'));
  });

  it('is made as the devcontainer.json of the working tree says, with a workspace of its own', async () => {
    const bin = user.directory('bin');
    const cli = createRequire(import.meta.url).resolve('@devcontainers/cli/devcontainer.js');
    writeFileSync(
      path.join(bin, 'devcontainer'),
      `#!/bin/sh\n[ -z "$SIDECAR_TOKEN" ] || exit 1\nexec ${process.execPath} ${cli} "$@"\n`,
      { mode: 0o755 },
    );
    user.project.write(
      '.devcontainer/devcontainer.json',
      '{\n  // A comment.\n  "image": "full",\n  "remoteUser": "dev",\n  "containerEnv": { "FROM": "here" },\n' +
        '  "postCreateCommand": "touch created"\n}\n',
    );
    const env = {
      DOCKER_HOST: docker.host,
      DOCKER_BUILDKIT: '0',
      SIDECAR_TOKEN: 'secret',
      PATH: `${bin}${path.delimiter}${user.env['PATH'] ?? ''}`,
    };
    const made = await user.startWith(env, 'create', 'web', '--provider', 'docker', '--devcontainer').ended;
    expect(made, made.stderr).toMatchObject({ code: 0 });
    expect(made.stderr).toContain('postCreateCommand');
    expect(docker.run('ps', '--format', '{{.Names}}')).toBe('sidecar-web');
    const synced = await type('sync');
    expect(synced, synced.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^✓ web:\/workspaces\/project: \d+ added/) as string,
    });
    const ran = await type('run', '--', 'sh', '-c', 'id -un; echo $FROM; cat hello.txt; touch there');
    expect(ran).toMatchObject({ stdout: 'dev\nhere\nhello\n' });
    expect(existsSync(path.join(user.project.root, 'there'))).toBe(false);
    expect(readFileSync(path.join(user.project.root, 'hello.txt'), 'utf8')).toBe('hello\n');
    expect((await type('delete')).code).toBe(0);
    expect(docker.run('ps', '-aq')).toBe('');
  });
});
