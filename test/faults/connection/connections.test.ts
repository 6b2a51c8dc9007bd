import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Sidecars } from '../../../src/client.js';
import { systemClock } from '../../../src/clock.js';
import type { SidecarError } from '../../../src/errors.js';
import { sync } from '../../../src/sync/sync.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../../fakes/git-repo.js';
import { describeWith } from '../../fakes/parts.js';
import { connectTo } from '../../fakes/ssh-client.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../../fakes/sshd.js';
import { startProxy, type CuttableProxy, type Misbehaviour } from '../../fakes/tcp-servers.js';
import { FarSteps } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { noise } from '../bed/scenarios.js';

const faultNames: Record<Misbehaviour, string> = {
  reset: 'connection reset (RST)',
  finish: 'connection closed (FIN)',
  freeze: 'connection silent',
};

/** Moments of a sync, by the program that the far half starts then. */
const moments = [
  ['during hello', 'git hash-object *'],
  ['while the pack arrives', 'git index-pack *'],
  ['during the landing', 'git reset *'],
] as const;

/** Places in the conversation, by what has passed. The pack is larger than the first. */
const places = [
  ['within the pack', { sentBytes: 150_000 }],
  ['within the login', { sentBytes: 1_000 }],
  ['within the greeting', { receivedBytes: 20 }],
  ['within the answers', { receivedBytes: 3_000 }],
] as const;

const losses = ['reset', 'finish'] as const;

let user: BuiltProgram;
let key: MadeKey;
let far: string;
let steps: FarSteps;
let sshd: Sshd;
let proxy: CuttableProxy;

describeWith(sshdParts, 'a sync to a host with OpenSSH', () => {
  beforeEach(async () => {
    user = new BuiltProgram();
    far = user.directory('far-home');
    steps = new FarSteps(user.directory('steps'));
    key = await makeKey(user.directory('keys'), 'id');
    const config = [`SetEnv HOME=${far} PATH=${steps.env['PATH'] ?? ''}`];
    sshd = await startSshd({ authorizedKeys: [key.line], home: far, config });
    proxy = await startProxy(sshd.port);
    for (const [name, { port }] of Object.entries({ direct: sshd, web: proxy })) {
      await user.type('add', name, `127.0.0.1:${port}`, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    }
    user.project.write('edited', 'first\n');
    user.project.commit();
    expect(await user.type('sync')).toMatchObject({ code: 0, stderr: '' });
    for (let file = 0; file < 5; file++) user.project.write(`large/${file}`, noise(`large ${file}`, 100_000));
    user.project.write('edited', 'second\n');
    writeFileSync(path.join(far, 'project/edited'), 'edited over there\n');
    writeFileSync(path.join(far, 'project/added'), 'added over there\n');
  });
  afterEach(async () => {
    steps.close();
    await proxy.stop();
    await sshd.stop();
    await user[Symbol.asyncDispose]();
  });

  it.for(moments.flatMap(([when, at]) => losses.map((loss) => ({ when, at, loss }))))(
    'goes on by itself after its connection was lost ($loss) $when, and says so once',
    async ({ when, at, loss }, context) => {
      steps.plan(at, 'it waits');
      const reached = steps.onReached(() => proxy[loss]());
      const { code, stdout, stderr } = await user.type('sync');
      reached.stop();
      expect(steps.struck).toBe(true);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/the connection to web was lost/g)).toHaveLength(1);
      expect(stdout).toContain('proved');
      expectLanded();
      tried(context, { fault: faultNames[loss], where: when, times: 1, outcome: 'finished by the same sync' });
    },
  );

  it.for(places.flatMap(([where, after]) => losses.map((loss) => ({ where, after, loss }))))(
    'goes on by itself after its connection was lost ($loss) $where',
    async ({ where, after, loss }, context) => {
      proxy.next(loss, after);
      const { code, stdout, stderr } = await user.type('sync');
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/was lost|not reachable yet/g)).toHaveLength(1);
      expect(stdout).toContain('proved');
      expectLanded();
      tried(context, { fault: faultNames[loss], where, times: 1, outcome: 'finished by the same sync' });
    },
  );

  it.for(moments)('notices that its connection fell silent %s, and goes on by itself', async ([when, at], context) => {
    steps.plan(at, 'it waits');
    const reached = steps.onReached(() => proxy.freeze());
    const lost = await syncWithKeepalives();
    reached.stop();
    expect(steps.struck).toBe(true);
    expect(lost).toMatchObject([{ code: 'ssh.connection_lost' }]);
    expectLanded();
    tried(context, { fault: faultNames.freeze, where: when, times: 1, outcome: 'finished by the same sync' });
  });

  it('notices that its connection fell silent within the pack, and goes on by itself', async (context) => {
    proxy.next('freeze', { sentBytes: 150_000 });
    expect(await syncWithKeepalives()).toMatchObject([{ code: 'ssh.connection_lost' }]);
    expectLanded();
    const where = 'within the pack';
    tried(context, { fault: faultNames.freeze, where, times: 1, outcome: 'finished by the same sync' });
  });

  it.for(moments)(
    'that is lost for good %s ends with 255 in time, and a later one finishes',
    async ([when, at], context) => {
      steps.plan(at, 'it waits');
      const stopped: Promise<void>[] = [];
      const reached = steps.onReached(() => void stopped.push(proxy.stop()));
      const { ended } = user.startWith({ SIDECAR_CONNECT_TIMEOUT: '5s' }, 'sync', '--json');
      const { code, stdout, stderr } = await ended;
      reached.stop();
      await Promise.all(stopped);
      expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
      expect(JSON.parse(stderr)).toMatchObject({
        error: { code: expect.stringMatching(/^ssh\.(unreachable|connection_lost)$/) as string },
      });
      expect(await user.type('-s', 'direct', 'sync')).toMatchObject({ code: 0 });
      expectLanded();
      const outcome = 'clear error; the next sync finished';
      tried(context, { fault: 'connection lost for good', where: when, times: 1, outcome });
    },
  );
});

/**
 * A sync whose silent server is asked for a sign of life every half second: on the first connection alone, for a busy machine
 * may take longer than that to give one. What was lost on the way.
 */
async function syncWithKeepalives(): Promise<SidecarError[]> {
  const lost: SidecarError[] = [];
  const login = {
    port: proxy.port,
    user: sshd.user,
    hostKeyLine: sshd.hostKeyLine,
    keys: [key.path],
  };
  const result = await sync({
    directory: user.project.root,
    sidecar: 'web',
    open: async (_, before) => {
      if (before !== undefined) lost.push(before.error);
      const { transport } = await connectTo({ ...login, ...(before === undefined && { keepaliveMs: 500 }) });
      return { transport, attempts: 1, elapsedMs: 0 };
    },
    stateDir: new Sidecars({ env: user.env }).home.stateDir,
    env: user.env,
    clock: systemClock,
    signal: new AbortController().signal,
    emit: () => undefined,
  });
  expect(result.verified).toBe(true);
  return lost;
}

/** The tree stands over there, and what stood there before can be had back. */
function expectLanded(): void {
  const workspace = path.join(far, 'project');
  expect(manifest(workspace, filesBelow(workspace))).toEqual(manifest(user.project.root, oraclePaths(user.project)));
  const shadows = path.join(far, '.local/state/sidecar/workspaces');
  const [shadow = ''] = readdirSync(shadows);
  const git = (...args: string[]): string => user.project.git(`--git-dir=${path.join(shadows, shadow)}`, ...args);
  const saved = git('for-each-ref', '--format=%(refname)', 'refs/sidecar/drift').split('\n');
  for (const file of ['edited', 'added']) {
    expect(saved.map((ref) => git('show', `${ref}:${file}`))).toContain(`${file} over there`);
  }
}
