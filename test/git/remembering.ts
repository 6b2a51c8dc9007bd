import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { SkipReason } from '../../src/events.js';
import { sendRulesOf, type SendRules } from '../../src/git/send-rules.js';
import { SnapshotMemory } from '../../src/git/snapshot-memory.js';
import { findWorkingTree } from '../../src/git/working-tree.js';
import { prepare, type Local } from '../../src/sync/prepare.js';
import type { SyncRequest } from '../../src/sync/request.js';
import { GitRepo, scratch } from '../fakes/git-repo.js';

/** What a snapshot says. */
export interface Said {
  readonly tree: string;
  readonly rules: string | null;
  readonly skipped: readonly string[];
}

/** A working tree of which snapshots are taken again and again, and a git that tells what it was asked. */
export class Remembering {
  repo: GitRepo;
  readonly memory = new SnapshotMemory();
  readonly #scratch = scratch();
  readonly #asked: string;
  #rules: SendRules | undefined;

  constructor() {
    const at = (name: string): string => path.join(this.#scratch.path, name);
    for (const name of ['home', 'bin', 'app']) mkdirSync(at(name));
    this.repo = GitRepo.init(at('app'), at('home'));
    this.#asked = at('asked');
    const real = (process.env['PATH'] ?? '').split(path.delimiter).join(':');
    const program = `#!/bin/sh\nprintf '%s\\n' "$*" >> '${this.#asked}'\nPATH='${real}' exec git "$@"\n`;
    writeFileSync(at('bin/git'), program);
    chmodSync(at('bin/git'), 0o755);
    for (const name of ['top', 'src/a', 'src/b', 'src/deep/er/c', 'docs/d']) this.repo.write(name, `${name}\n`);
    this.repo.write('.gitignore', '*.log\n/build/\n');
    this.repo.write('build/out', 'ignored\n');
    this.repo.commit();
  }

  /** Sets what settings say from the next snapshot on. */
  rule({ ignore = [], include = [] }: { readonly ignore?: string[]; readonly include?: string[] }): void {
    const located = (pattern: string) => ({ pattern, file: '/settings', line: 1 });
    this.#rules = sendRulesOf(this.repo.root, { ignore: ignore.map(located), include: include.map(located) });
  }

  /** In the directory that holds the working tree. */
  beside(name: string): string {
    return path.join(this.#scratch.path, name);
  }

  /** A snapshot with the memory of those before; `meanwhile` once it is known, and maybe not stored yet. */
  async next(meanwhile?: (local: Local) => void): Promise<Said> {
    return this.#take({ state: 'state', memory: this.memory, meanwhile });
  }

  /** A snapshot that knows of none before. */
  async whole(): Promise<Said> {
    return this.#take({ state: 'whole' });
  }

  /** Both, and which commands of git the first of them started. */
  async both(): Promise<{ readonly next: Said; readonly whole: Said; readonly asked: readonly string[] }> {
    rmSync(this.#asked, { force: true });
    const next = await this.next();
    const asked = readFileSync(this.#asked, 'utf8').split('\n').slice(0, -1);
    return { next, whole: await this.whole(), asked: asked.map(commandOf) };
  }

  /** Longer than a tick of file times: what was written before is known to be old. */
  settle(): Promise<void> {
    return sleep(50);
  }

  /** Snapshots until one of them relies on what the one before found. */
  async remembered(): Promise<void> {
    await this.settle();
    await this.next();
    await this.settle();
    expect((await this.both()).asked).not.toContain('ls-files');
  }

  /** The next snapshot after a change is what one without a memory is, and so is the one after that. */
  async expectSeen(change: () => unknown): Promise<readonly string[]> {
    await this.remembered();
    const before = await this.whole();
    change();
    const { next, whole, asked } = await this.both();
    expect(next).toEqual(whole);
    expect(next).not.toEqual(before);
    await this.settle();
    const again = await this.both();
    expect(again.next).toEqual(again.whole);
    return asked;
  }

  remove(): void {
    this.#scratch.remove();
  }

  async #take({
    state,
    memory,
    meanwhile,
  }: {
    readonly state: string;
    readonly memory?: SnapshotMemory;
    readonly meanwhile?: ((local: Local) => void) | undefined;
  }): Promise<Said> {
    const env = { ...this.repo.env, PATH: `${this.beside('bin')}:${process.env['PATH'] ?? ''}` };
    const stateDir = this.beside(state);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const directory = await findWorkingTree(this.repo.root, { env: this.repo.env });
    const sendRules = this.#rules;
    const request: SyncRequest = {
      ...{ directory, stateDir, env, clock: systemClock, emit: () => undefined, sidecar: 'web' },
      ...{ signal: new AbortController().signal, open: () => Promise.reject(new Error('no session')) },
      ...(memory === undefined ? {} : { memory }),
      ...(sendRules === undefined ? {} : { rules: () => Promise.resolve(sendRules) }),
    };
    // As a sync does.
    const forecast = await prepare(request, directory, { forecast: true });
    meanwhile?.(forecast);
    const agrees = await forecast.stored.then(
      () => true,
      () => false,
    );
    const { snapshot } = agrees ? forecast : await prepare(request, directory, { fresh: true });
    const { tree, rules, skipped } = snapshot;
    return { tree, rules, skipped: skipped.map((one) => words(one)).sort() };
  }
}

const words = ({ path, reason }: { readonly path: string; readonly reason: SkipReason }): string => `${reason} ${path}`;

/** The command in `-c name=value ls-files -z …`. */
function commandOf(line: string): string {
  const [command = ''] = line.replace(/^(?:-c \S+ )*/, '').split(' ');
  return command;
}
