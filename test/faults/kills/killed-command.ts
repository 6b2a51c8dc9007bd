import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { Sidecars } from '../../../src/client.js';
import { machineFiles } from '../../../src/provider/local/machine.js';
import { BuiltProgram, type Running } from '../../fakes/built-program.js';
import { filesBelow, fingerprint, manifest, oraclePaths } from '../../fakes/git-repo.js';
import { FarSteps, type StepFault } from '../bed/far-steps.js';

/** A user whose command is killed at its nth git, and works on with what that leaves behind. */
export class KilledCommand implements AsyncDisposable {
  readonly user: BuiltProgram;
  readonly steps: FarSteps;
  readonly #stateDir: string;
  readonly #home: string;
  #round = 0;
  #workdir = '';
  #typed: string | undefined;
  #before = '';

  /** With `daemon`, it is the daemon that works for the command. */
  constructor(options: { readonly daemon?: boolean } = {}) {
    this.user = new BuiltProgram(options);
    this.steps = new FarSteps(this.user.directory('steps'), ['git']);
    this.#stateDir = new Sidecars({ env: this.user.env }).home.stateDir;
    this.#home = machineFiles(this.#stateDir, 'web').home;
  }

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
    const { child, ended } = this.startSync();
    await ended;
    return child.signalCode;
  }

  /** A sync whose programs are counted, and one of which may be struck. */
  startSync(): Running {
    return this.user.startWith({ ...this.#env, ...this.steps.env }, 'sync', '--json');
  }

  /** A plain sync: the tree stands, and what was typed can be had back. */
  async expectNextSyncFinishes(): Promise<void> {
    const { code, stderr } = await this.user.startWith(this.#env, 'sync').ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    this.expectLanded();
    expect(this.locks()).toEqual([]);
  }

  expectLanded(): void {
    const { project } = this.user;
    const workspace = path.join(this.#home, this.#workdir);
    expect(manifest(workspace, filesBelow(workspace))).toEqual(manifest(project.root, oraclePaths(project)));
    if (this.#typed !== undefined) expect(this.#savedTyping()).toContain(this.#typed);
    expect(fingerprint(project.root)).toBe(this.#before);
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
