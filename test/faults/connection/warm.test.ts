import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DaemonStatus } from '../../../src/daemon/status.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../../fakes/git-repo.js';
import { describeWith } from '../../fakes/parts.js';
import { makeKey } from '../../fakes/ssh-keys.js';
import { startSshd, sshdParts, type Sshd } from '../../fakes/sshd.js';
import { startProxy, type CuttableProxy } from '../../fakes/tcp-servers.js';
import { noise } from '../bed/scenarios.js';
import { tried } from '../ledger.js';

let user: BuiltProgram;
let far: string;
let sshd: Sshd;
let proxy: CuttableProxy;

describeWith(sshdParts, 'a session that the daemon keeps', () => {
  beforeEach(async () => {
    user = new BuiltProgram({ daemon: true });
    far = user.directory('far-home');
    const key = await makeKey(user.directory('keys'), 'id');
    sshd = await startSshd({ authorizedKeys: [key.line], home: far, config: [`SetEnv HOME=${far}`] });
    proxy = await startProxy(sshd.port);
    const destination = `127.0.0.1:${proxy.port}`;
    await user.type('add', 'web', destination, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    user.project.write('edited', 'first\n');
    await user.type('sync');
    expect(JSON.parse((await user.type('sync', '--json')).stdout)).toMatchObject({ warm: true });
    await rested();
    for (let file = 0; file < 5; file++) user.project.write(`large/${file}`, noise(`large ${file}`, 100_000));
    writeFileSync(path.join(far, 'project/edited'), 'edited over there\n');
  });
  afterEach(async () => {
    await proxy.stop();
    await sshd.stop();
    await user[Symbol.asyncDispose]();
  });

  it.for(['reset', 'finish'] as const)(
    'and that is lost (%s) while nobody uses it is there for the next sync',
    async (loss, context) => {
      const before = (await rested()).sessions[0]?.since;
      proxy[loss]();
      // It is opened again by itself.
      for (let since = before; since === before;) since = (await rested()).sessions[0]?.since;
      const { code, stdout, stderr } = await user.type('sync', '--json');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({ verified: true, drift: { modified: ['edited'] } });
      expectLanded();
      const outcome = 'finished by the same sync';
      tried(context, { fault: `connection lost (${loss})`, where: 'between two warm syncs', times: 1, outcome });
    },
  );

  it('and that fell silent while nobody used it holds up the next sync for seconds only', async (context) => {
    proxy.freeze();
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // doubted only then
    const startedMs = performance.now();
    const { code, stderr } = await user.type('sync');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('the connection to web was lost (it no longer answers)');
    // Without asking it would take a minute to notice.
    expect(performance.now() - startedMs).toBeLessThan(45_000);
    expectLanded();
    const outcome = 'finished by the same sync';
    tried(context, { fault: 'connection silent', where: 'between two warm syncs', times: 1, outcome });
  });

  it.for([
    ['reset', { sentBytes: 150_000 }],
    ['finish', { sentBytes: 150_000 }],
    ['reset', { sentBytes: 500 }],
    ['finish', { receivedBytes: 100 }],
  ] as const)(
    'and that is lost (%s) in the middle of a sync is opened again by it, which says so once',
    async ([loss, after], context) => {
      proxy.current(loss, after);
      const { code, stdout, stderr } = await user.type('sync');
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/the connection to web was lost/g)).toHaveLength(1);
      expect(stdout).toContain('proved');
      expectLanded();
      const outcome = 'finished by the same sync';
      tried(context, { fault: `connection lost (${loss})`, where: 'within a warm sync', times: 1, outcome });
    },
  );
});

/** Waits until the daemon has nothing to do but wait, on a session that is open. */
async function rested(): Promise<DaemonStatus> {
  for (;;) {
    const status = await user.restedDaemon();
    if (status.sessions[0]?.state === 'open') return status;
  }
}

/** The tree stands, and what was edited over there can be had back. */
function expectLanded(): void {
  const workspace = path.join(far, 'project');
  expect(manifest(workspace, filesBelow(workspace))).toEqual(manifest(user.project.root, oraclePaths(user.project)));
  expect(readFileSync(path.join(workspace, 'edited'), 'utf8')).toBe('first\n');
}
