import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { SyncResult } from '../../src/sync/result.js';
import { BuiltProgram } from '../fakes/built-program.js';
import type { Said } from '../fakes/command-line.js';
import { describeWithDocker } from '../fakes/docker.js';
import { Swarm } from '../fakes/swarm.js';

const image = 'sidecar-test';

describeWithDocker('sidecars of a Docker Swarm of two nodes', () => {
  let swarm: Swarm;
  beforeAll(async () => {
    swarm = await Swarm.start(2);
    const changes = ['ENV GREETING="hello \\"swarm\\""'];
    for (const node of swarm.nodes) node.importImage(image, { programs: ['git', 'sshd'], changes });
  });
  afterAll(async () => swarm[Symbol.asyncDispose]());

  let user: BuiltProgram;
  beforeEach(() => {
    user = new BuiltProgram();
    user.project.write('file', 'one\n');
  });
  afterEach(async () => user[Symbol.asyncDispose]());

  const type = (...argv: string[]): Promise<Said> => user.startWith({ DOCKER_HOST: swarm.manager.host }, ...argv).ended;
  const create = (...argv: string[]): Promise<Said> =>
    type('create', ...argv, '--provider', 'docker', '--swarm', '--image', image);
  const expectDone = (said: Said): Said => {
    expect(said, said.stderr).toMatchObject({ code: 0 });
    return said;
  };
  const landed = async (name: string): Promise<SyncResult> =>
    JSON.parse(expectDone(await type('sync', '--json', '-s', name)).stdout) as SyncResult;
  const kept = (): string[] =>
    ['service', 'secret', 'config'].map((kind) => swarm.manager.run(kind, 'ls', '--quiet')).filter((ids) => ids !== '');

  it('have the environment of the image, run as it says, and leave nothing when they are deleted', async () => {
    expectDone(await create('web', '--env', 'CACHE=/c', '--memory', '512m', '--cpus', '1', '--sync'));
    const { stdout } = expectDone(await type('run', '--', 'sh', '-c', 'echo "$GREETING $CACHE"; cat file; id -un'));
    expect(stdout).toBe('hello "swarm" /c\none\nroot\n');
    expectDone(await type('delete', 'web'));
    expect(kept()).toEqual([]);
  });

  it('say what is missing: room, an image, or programs in it', async () => {
    expectDone(await create('far', '--constraint', 'node.labels.zone==nowhere'));
    const waited = await type('wait', '--timeout', '4s', '-s', 'far');
    expect(waited.code).toBe(255);
    expect(waited.stderr).toContain('no suitable node');
    expectDone(await type('delete', 'far'));
    for (const node of swarm.nodes) node.importImage('bare', { programs: [] });
    expectDone(await type('create', 'bare', '--provider', 'swarm', '--image', 'bare'));
    const refused = await type('sync', '-s', 'bare');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('needs sh, git and sshd');
    expectDone(await type('delete', 'bare'));
    expect(kept()).toEqual([]);
  });

  it('come back on the other node when theirs is gone, and a sync lands there with the same key', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `dev-${index + 1}`);
    expectDone(await create('dev', '--replicas', '10', '--sync'));
    const nodesInUse = (): Set<string> =>
      new Set(
        swarm.manager
          .run('service', 'ps', '--filter=desired-state=running', '--format={{.Node}}:{{.ID}}', ...names.map(serviceOf))
          .split('\n')
          .map((line) => nodeOf(line.split(':')[1] ?? '')),
      );
    expect(nodesInUse().size).toBe(2);
    const keys = expectDone(await type('list', '--json')).stdout;

    user.project.write('file', 'two\n');
    await swarm.nodes[1]?.crash();
    const results = await Promise.all(names.map(landed));
    expect(results.every(({ verified }) => verified)).toBe(true);
    expect(new Set(results.map(({ tree }) => tree)).size).toBe(1);
    await vi.waitFor(() => expect(nodesInUse().size).toBe(1), { timeout: 60_000 });
    expect(expectDone(await type('list', '--json')).stdout).toBe(keys);
    expect(expectDone(await type('exec', '-s', 'dev-7', '--', 'cat', 'file')).stdout).toBe('two\n');
    for (const name of names) expectDone(await type('delete', name));
    expect(kept()).toEqual([]);
  });

  const serviceOf = (name: string): string => `sidecar-${name}`;
  const nodeOf = (task: string): string => swarm.manager.run('inspect', '--type=task', '--format={{.NodeID}}', task);
});
