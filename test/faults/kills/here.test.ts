import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sidecars } from '../../../src/client.js';
import { machineFiles } from '../../../src/provider/local/machine.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { filesBelow, fingerprint, manifest, oraclePaths } from '../../fakes/git-repo.js';
import { FarSteps, type StepFault } from '../bed/far-steps.js';
import { tried } from '../ledger.js';
import { scale } from '../scale.js';

/** What a kill of the command leaves of the git that it was waiting for. */
const kinds: readonly (readonly [string, StepFault])[] = [
  ['before git starts', 'the starter is killed before'],
  ['after git is done', 'the starter is killed after'],
  ['while git works on', 'the starter is killed, and it works on'],
];

/** A user whose command is killed at its nth git, and works on with what that leaves behind. */
class KilledCommand implements AsyncDisposable {
  readonly user = new BuiltProgram();
  readonly steps = new FarSteps(this.user.directory('steps'), ['git']);
  readonly #stateDir = new Sidecars({ env: this.user.env }).home.stateDir;
  readonly #home = machineFiles(this.#stateDir, 'web').home;
  #round = 0;
  #workdir = '';
  #typed: string | undefined;
  #before = '';

  /** Something to land; for a later landing, something to lose too: what was typed over there. */
  change(landing: 'first' | 'later'): void {
    const round = ++this.#round;
    const { project } = this.user;
    for (let file = 0; file < 3; file++)
      project.write(`d${round % 4}/f${file}`, `round ${round}, ${file}\n`.repeat(30));
    if (landing === 'first') {
      this.#workdir = `work-${round}`;
      this.#typed = undefined;
      rmSync(path.join(this.#stateDir, 'shadows'), { recursive: true, force: true });
    } else {
      this.#typed = `typed over there in round ${round}`;
      writeFileSync(path.join(this.#home, this.#workdir, 'typed'), this.#typed);
    }
    this.#before = fingerprint(project.root);
  }

  /** The signal that ended a sync at a step: its number, or a pattern of its command line. */
  async killedSync(at: number | string, fault: StepFault): Promise<NodeJS.Signals | null> {
    this.steps.plan(at, fault);
    const { child, ended } = this.user.startWith({ ...this.#env, ...this.steps.env }, 'sync');
    await ended;
    return child.signalCode;
  }

  /** A plain sync: the tree stands, and what was typed can be had back. */
  async expectNextSyncFinishes(): Promise<void> {
    const { code, stderr } = await this.user.startWith(this.#env, 'sync').ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { project } = this.user;
    const workspace = path.join(this.#home, this.#workdir);
    expect(manifest(workspace, filesBelow(workspace))).toEqual(manifest(project.root, oraclePaths(project)));
    if (this.#typed !== undefined) expect(this.#savedTyping()).toContain(this.#typed);
    expect(fingerprint(project.root)).toBe(this.#before);
    expect(this.locks()).toEqual([]);
  }

  locks(): string[] {
    const shadows = path.join(this.#stateDir, 'shadows');
    const names = existsSync(shadows) ? readdirSync(shadows) : [];
    return names.filter((name) => name.endsWith('.lock')).map((name) => path.join(shadows, name));
  }

  /** A dead holder's lock is respected for 10 s: those have passed. */
  ageLocks(): void {
    const longAgo = new Date(Date.now() - 60_000);
    for (const lock of this.locks()) utimesSync(lock, longAgo, longAgo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.steps.close();
    await this.user[Symbol.asyncDispose]();
  }

  get #env(): NodeJS.ProcessEnv {
    return { SIDECAR_WORKDIR: this.#workdir };
  }

  /** What any saved drift over there holds of the file. */
  #savedTyping(): string[] {
    const shadows = path.join(this.#home, '.local/state/sidecar/workspaces');
    return readdirSync(shadows).flatMap((shadow) => {
      const git = (...args: string[]): string =>
        this.user.project.git(`--git-dir=${path.join(shadows, shadow)}`, ...args);
      const refs = git('for-each-ref', '--format=%(refname)', 'refs/sidecar/drift').split('\n');
      return refs.filter((ref) => ref !== '').map((ref) => git('show', `${ref}:typed`));
    });
  }
}

let command: KilledCommand;
beforeAll(async () => {
  command = new KilledCommand();
  expect((await command.user.type('create', 'web')).code).toBe(0);
});
afterAll(() => command[Symbol.asyncDispose]());

describe('a sync that is killed', () => {
  const limits = { timeout: 300_000 * scale };

  it.for(kinds)(
    '%s, at any git that it starts, is finished by the next one',
    limits,
    async ([when, fault], context) => {
      const first = kinds.findIndex(([kind]) => kind === when);
      let times = 0;
      for (const landing of ['first', 'later'] as const) {
        command.change(landing);
        expect(await command.killedSync(0, fault)).toBeNull();
        const steps = command.steps.taken.length;
        for (let step = 1 + (scale > 1 ? 0 : first); step <= steps; step += scale > 1 ? 1 : 4) {
          command.change(landing);
          const signal = await command.killedSync(step, fault);
          if (!command.steps.struck) continue; // it starts several at a time, and one less now and then
          expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
          command.ageLocks();
          await command.expectNextSyncFinishes();
          times += 1;
        }
      }
      const outcome = 'clear error; the next sync finished';
      tried(context, { fault: 'kill -9 of the command', where: 'at any git that it starts', times, outcome });
    },
  );

  it('leaves a lock behind, which the next one takes over by itself', limits, async () => {
    command.change('first');
    expect(await command.killedSync('*update-index *', 'the starter is killed before')).toBe('SIGKILL');
    expect(command.locks()).toHaveLength(1);
    await command.expectNextSyncFinishes();
  });
});
