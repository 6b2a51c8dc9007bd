import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { unusedPort } from '../../fakes/unused-port.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { filesIn } from '../../../src/provider/local/machine.js';
import { serveLocal } from '../../../src/provider/local/serve.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import type { Said } from '../../fakes/command-line.js';
import { processesAbout, StateDirectory } from './witness.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';

let user: BuiltProgram;
let state: StateDirectory;
beforeEach(() => {
  user = new BuiltProgram();
  state = new StateDirectory(user.env['SIDECAR_HOME'] ?? '');
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const errorOf = ({ stderr }: Said): string =>
  stderr === '' ? '' : (JSON.parse(stderr) as { error: { code: string } }).error.code;

/** What a crash leaves is taken over after 10 s without a sign of life. They are taken as gone by. */
function tenSecondsPass(): void {
  const longAgo = new Date(Date.now() - 60_000);
  if (!existsSync(state.path)) return;
  for (const name of readdirSync(state.path, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.lock') && !name.includes('home/')) utimesSync(state.at(name), longAgo, longAgo);
  }
}

/** The servers of local sidecars that run, once every process that is about to end has ended. */
async function serversAfterwards(count: number): Promise<number[]> {
  return vi.waitFor(
    () => {
      const running = processesAbout(state.path);
      expect(running).toHaveLength(count);
      return running;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe('a name that is wanted by several', () => {
  it.each([2, 5])('goes to one of %d processes that create it at once, and the others leave nothing', async (count) => {
    const all = await Promise.all(Array.from({ length: count }, () => user.type('create', 'web', '--json')));
    const losers = all.filter(({ code }) => code !== 0);
    expect(losers.map((said) => [said.code, errorOf(said)])).toEqual(
      Array.from({ length: count - 1 }, () => [1, 'sidecar.exists']),
    );
    expect(state.names()).toEqual(['web']);
    expect(state.machines()).toEqual(['web']);
    const [server] = await serversAfterwards(1);
    expect(JSON.parse(readFileSync(state.at('local/web/server.json'), 'utf8'))).toMatchObject({ pid: server });
    expect((await user.type('wait', '--timeout', '20s')).code).toBe(0);
  });

  it('and deleted in the same moment is there with its machine, or gone without a trace', async (context) => {
    const rounds = 4 * scale;
    for (let round = 0; round < rounds; round += 1) {
      if (round % 2 === 1 && state.names().length === 0) await user.type('create', 'web');
      const [created, deleted] = await Promise.all([
        user.type('create', 'web', '--no-use', '--json'),
        user.type('delete', 'web', '--json'),
      ]);
      expect(['', 'sidecar.exists']).toContain(errorOf(created));
      expect(['', 'sidecar.unknown']).toContain(errorOf(deleted));
      const isThere = state.names().length === 1;
      expect(state.machines()).toEqual(isThere ? ['web'] : []);
      await serversAfterwards(isThere ? 1 : 0);
      if (isThere) expect((await user.type('wait', '-s', 'web', '--timeout', '20s')).code).toBe(0);
    }
    tried(context, {
      fault: 'create and delete of one name at once',
      where: 'as processes, of a local sidecar',
      times: rounds,
      outcome: 'finished by the same sync',
    });
  });
});

describe('a sync of a sidecar that is being deleted', () => {
  it.each(['attempt 1', 'landing'])(
    'ends with a clear error or in time, and brings nothing of the machine back (%s)',
    async (words) => {
      for (let file = 0; file < 300; file += 1) user.project.write(`d${String(file % 9)}/f${String(file)}`, 'x\n');
      await user.type('create', 'web');
      const syncing = user.start('sync', '-v');
      await syncing.said(words).catch(() => undefined); // one that has ended can be deleted too
      expect((await user.type('delete', 'web')).code).toBe(0);
      const { code, stderr } = await syncing.ended;
      expect([0, 1, 255]).toContain(code);
      if (code !== 0) expect(stderr).toContain('sidecar: ');
      expect(state.names()).toEqual([]);
      expect(state.machines()).toEqual([]);
      await serversAfterwards(0);
    },
  );
});

describe('a server that is still starting when its machine is deleted', () => {
  it('ends, and does not bring the directory back', async () => {
    const files = filesIn(user.directory('machine'));
    const { privateKey, publicKey } = await generateKeyPair();
    writeFileSync(files.hostKey, privateKey);
    const setup = { requestId: '', hostKey: '', port: await unusedPort(), bootsAt: new Date().toISOString() };
    writeFileSync(files.setup, JSON.stringify(setup));
    execFileSync('mkfifo', [files.authorizedKeys]);
    const end = new AbortController();
    const { directory } = files;
    const serving = serveLocal({
      ...{ directory, env: {}, clock: systemClock },
      signal: end.signal,
      onStarted: () => undefined,
    });
    const ended = serving.then(
      () => undefined,
      (error: unknown) => error,
    );
    try {
      const pipe = await open(files.authorizedKeys, 'w'); // it has got as far as reading the last of its files
      rmSync(directory, { recursive: true });
      await pipe.writeFile(publicKey);
      await pipe.close();
      expect(await ended).toMatchObject({ code: 'provider.failed' });
      expect(existsSync(directory)).toBe(false);
    } finally {
      end.abort();
    }
  });
});

describe('a create that is killed', () => {
  const moments: [title: string, hasCome: () => boolean][] = [
    ['when it holds the lock of the name', () => existsSync(state.at('local/web.lock'))],
    ['when the name is registered', () => state.names().length > 0],
    ['when the machine is furnished', () => existsSync(state.at('local/web/machine.json'))],
    ['while the server starts', () => existsSync(state.at('local/web/server.log'))],
    ['when the server runs', () => existsSync(state.at('local/web/server.json'))],
  ];

  it.for(moments)(
    '%s: the name can be deleted, created and used, and no server is left over',
    async ([, hasCome], context) => {
      const creating = user.start('create', 'web');
      while (!hasCome() && creating.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1));
      creating.child.kill('SIGKILL');
      await creating.ended;
      tenSecondsPass();

      const deleted = await user.type('delete', 'web', '--json');
      expect(['', 'sidecar.unknown']).toContain(errorOf(deleted));
      expect(state.names()).toEqual([]);
      const created = await user.type('create', 'web', '--json');
      expect({ code: created.code, stderr: created.stderr }).toEqual({ code: 0, stderr: '' });
      expect((await user.type('wait', '--timeout', '20s')).code).toBe(0);
      const [server] = await serversAfterwards(1);
      expect(JSON.parse(readFileSync(state.at('local/web/server.json'), 'utf8'))).toMatchObject({ pid: server });
      await user.type('delete', 'web');
      await serversAfterwards(0);
      expect(state.machines()).toEqual([]);
      tried(context, {
        fault: 'kill -9 of create',
        where: 'at five moments, of a local sidecar',
        times: 1,
        outcome: 'harmless',
      });
    },
  );
});
