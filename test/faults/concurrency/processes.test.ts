import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SyncResult } from '../../../src/sync/result.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import type { Said } from '../../fakes/command-line.js';
import { filesBelow, GitRepo, manifest, oraclePaths } from '../../fakes/git-repo.js';
import { leftovers, lostEdits, processesAbout, tornFiles, Writer } from './witness.js';
import { tried } from '../ledger.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

/** A clone of the project on a machine whose sidecar `web` is the one of the first machine. */
interface Machine {
  readonly repo: GitRepo;
  readonly env: { readonly SIDECAR_HOME: string };
  readonly writer: Writer;
}

const files = Array.from({ length: 30 }, (_, file) => `d${String(file % 5)}/f${String(file)}`);
const state = (): string => user.env['SIDECAR_HOME'] ?? '';
const local = (...names: string[]): string => path.join(state(), 'local/web', ...names);

async function twoMachines(): Promise<[Machine, Machine]> {
  const outside = user.directory('outside');
  const first = new Writer('first', user.project.root, outside);
  for (const file of files) first.write(file);
  user.project.commit();
  expect((await user.type('create', 'web')).code).toBe(0);

  const repo = new GitRepo(user.directory('elsewhere/project'), user.home);
  user.project.git('clone', '-q', user.project.root, repo.root);
  const env = { SIDECAR_HOME: user.directory('other-state') };
  const { port } = JSON.parse(readFileSync(local('server.json'), 'utf8')) as { port: number };
  const address = `${userInfo().username}@127.0.0.1:${String(port)}`;
  const [key = ''] = readdirSync(path.join(state(), 'keys'));
  const argv = ['add', 'web', address, '--identity', path.join(state(), 'keys', key), '-C', repo.root];
  expect((await user.startWith(env, ...argv).ended).code).toBe(0);
  return [
    { repo: user.project, env: { SIDECAR_HOME: state() }, writer: first },
    { repo, env, writer: new Writer('second', repo.root, outside) },
  ];
}

const sync = ({ repo, env }: Machine): Promise<Said> => user.startWith(env, 'sync', '--json', '-C', repo.root).ended;

async function proved(machine: Machine): Promise<SyncResult> {
  const { code, stdout, stderr } = await sync(machine);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as SyncResult;
}

describe('8 processes that sync two clones to one local sidecar, while both sides are edited', () => {
  it('all end, tear no file and lose no edit; the last sync stands alone, and nothing of theirs is left', async (context) => {
    const machines = await twoMachines();
    const [first, second] = machines;
    const { workspace } = await proved(first);
    const resident = new Writer('a resident', workspace, user.directory('outside'));

    const work = { done: false };
    const endings = Promise.all(
      Array.from({ length: 8 }, (_, index) => sync(index % 2 === 0 ? first : second)),
    ).finally(() => (work.done = true));
    for (let turn = 0; !work.done; turn += 1) {
      for (const { writer } of machines) for (const file of files.slice(turn % 25, (turn % 25) + 5)) writer.write(file);
      resident.write(`made-there/${String(turn)}`);
      await Promise.race([endings, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    for (const { code, stdout, stderr } of await endings) {
      if (code === 0) expect(JSON.parse(stdout)).toMatchObject({ verified: true });
      else expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'sync.unsettled' } });
    }
    expect(tornFiles(workspace, [first.writer, second.writer, resident])).toEqual([]);
    for (const machine of [second, first]) {
      await proved(machine);
      const here = manifest(machine.repo.root, oraclePaths(machine.repo));
      expect(manifest(workspace, filesBelow(workspace))).toEqual(here);
      expect(await proved(machine)).toMatchObject({ upToDate: true, drift: null });
    }
    expect(lostEdits(resident, local('home'))).toEqual([]);
    const { pid } = JSON.parse(readFileSync(local('server.json'), 'utf8')) as { pid: number };
    const around = path.dirname(state());
    await vi.waitFor(() => expect(processesAbout(around)).toEqual([pid]), { timeout: 20_000 });
    for (const directory of [local('home'), state(), second.env.SIDECAR_HOME]) expect(leftovers(directory)).toEqual([]);
    tried(context, {
      fault: '8 syncs at once, from two clones to one workspace',
      where: 'as processes, to a local sidecar',
      times: 8,
      outcome: 'finished by the same sync',
    });
  });
});
