import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { fingerprint } from '../../fakes/git-repo.js';
import type { FarSide } from '../../sync/far-side.js';

type SyncOptions = Parameters<FarSide['sync']>[0];

/**
 * Much to lose: a working tree that goes on changing, and a workspace in which somebody works too, on the same files, on
 * others, and on what is ignored. After a fault it says what is gone.
 */
export class Stakes {
  readonly #drift = new Map<string, Drifted>();
  readonly #ignored = new Map<string, string>();
  #untouched = '';
  #landed = false;

  constructor(
    readonly side: FarSide,
    { files = 12, fileBytes = 2_000 }: { readonly files?: number; readonly fileBytes?: number } = {},
  ) {
    const { repo } = side;
    repo.write('.gitignore', '*.o\n/build/\n');
    for (let file = 0; file < files; file++) repo.write(`d${file % 4}/f${file}`, noise(`f${file}`, fileBytes));
    for (const file of ['both', 'theirs', 'gone']) repo.write(file, `${file} at first\n`);
    repo.write('tool', '#!/bin/sh\n', 0o755);
    // What a shadow must be told, or it converts bytes, and takes files for drift that only this side's own rules ignore.
    repo.write('.gitattributes', '*.txt text eol=crlf\n');
    repo.write('.git/info/exclude', '/secret/\n');
  }

  /** Work on both sides, in the name of `round`. */
  work(round: string, { bytes = 200 }: { readonly bytes?: number } = {}): void {
    const { repo } = this.side;
    rmSync(path.join(repo.root, 'new'), { recursive: true, force: true });
    repo.write(`new/${round}`, noise(`new ${round}`, bytes));
    repo.write('both', `both, here, in ${round}\n`);
    repo.write('gone', `gone is back in ${round}\n`);
    repo.write('lines.txt', `line ends\nare not converted\nin ${round}\n`);
    if (this.#landed) this.#workThere(round, bytes);
    this.#untouched = fingerprint(repo.root);
  }

  /** After a change to the working tree here that `work` knows nothing of. */
  rework(): void {
    this.#untouched = fingerprint(this.side.repo.root);
  }

  #workThere(round: string, bytes: number): void {
    this.#put('both', `both, there, in ${round}\n`);
    this.#put('theirs', `theirs in ${round}\n`);
    this.#put(`left/${round}`, noise(`left ${round}`, bytes));
    rmSync(this.#there('gone'), { force: true });
    for (const file of ['x.o', 'build/out', `build/deep/${round}`, 'secret/key']) {
      this.#write(file, `${file} of ${round}\n`);
      this.#ignored.set(file, `${file} of ${round}\n`);
    }
  }

  /** To be called right after damage was done: what is gone by it is nobody else's loss. */
  forgetDestroyed(): void {
    for (const drift of this.#unsaved()) this.#drift.delete(entry(drift));
  }

  /** The workspace itself was taken away. */
  forgetAll(): void {
    this.#drift.clear();
    this.#ignored.clear();
  }

  /** All that is neither in place nor saved, and all that should not have changed. Empty is well. */
  lost(): string[] {
    const lost: string[] = [];
    for (const [file, content] of this.#ignored) if (!this.#stands(file, content)) lost.push(`ignored ${file}`);
    for (const { file, content } of this.#unsaved()) lost.push(`drift ${file}: ${content.slice(0, 30)}`);
    if (this.#untouched !== '' && fingerprint(this.side.repo.root) !== this.#untouched)
      lost.push('the working tree here');
    return lost;
  }

  /** A sync under a fault: what it answered, or the error. It must neither lose anything nor claim what is not so. */
  async attempt(options: SyncOptions = {}): Promise<SyncResult | SidecarError> {
    const answer = await this.side.sync(options).catch((error: unknown) => {
      if (error instanceof SidecarError) return error;
      throw error;
    });
    if (!(answer instanceof SidecarError)) {
      expect(answer.verified).toBe(true);
      this.#landed = true;
      this.expectSame();
    }
    expect(this.lost()).toEqual([]);
    return answer;
  }

  /** A plain sync that must finish the work. */
  async finish(options: SyncOptions = {}): Promise<SyncResult> {
    const result = await this.side.sync(options);
    this.#landed = true;
    expect(result.verified).toBe(true);
    this.expectSame();
    expect(this.lost()).toEqual([]);
    return result;
  }

  expectSame(): void {
    expect(this.side.there((file) => /\.o$|^(build|secret)\//.test(file))).toEqual(this.side.here());
  }

  /** Directories of ours that no later sync will clean up for a day. */
  leftovers(): string[] {
    const state = path.join(this.side.home, '.local/state/sidecar');
    return existsSync(state) ? readdirSync(state).filter((name) => name.startsWith('tmp.')) : [];
  }

  #put(file: string, content: string): void {
    this.#write(file, content);
    this.#drift.set(entry({ file, content }), { file, content });
  }

  #write(file: string, content: string): void {
    mkdirSync(path.dirname(this.#there(file)), { recursive: true });
    writeFileSync(this.#there(file), content);
  }

  #there(file: string): string {
    return path.join(this.side.workspace, file);
  }

  #stands(file: string, content: string): boolean {
    const full = this.#there(file);
    return lstatSync(full, { throwIfNoEntry: false })?.isFile() === true && readFileSync(full, 'utf8') === content;
  }

  /** What somebody wrote over there that neither stands nor is in any saved drift. */
  #unsaved(): Drifted[] {
    const missing = [...this.#drift.values()].filter(({ file, content }) => !this.#stands(file, content));
    const workspaces = path.join(this.side.home, '.local/state/sidecar/workspaces');
    if (missing.length === 0 || !existsSync(workspaces)) return missing;
    const saved = new Set(readdirSync(workspaces).flatMap((shadow) => savedOf(path.join(workspaces, shadow), missing)));
    return missing.filter((drift) => !saved.has(entry(drift)));
  }
}

interface Drifted {
  readonly file: string;
  readonly content: string;
}

/** Which of these are in a drift that this shadow holds. */
function savedOf(shadow: string, wanted: readonly Drifted[]): string[] {
  const git = (args: string[], input = ''): string => {
    const { stdout } = spawnSync('git', ['--git-dir', shadow, ...args], { input, encoding: 'latin1' });
    return stdout;
  };
  const refs = git(['for-each-ref', '--format=%(refname)', 'refs/sidecar/drift']).split('\n').slice(0, -1);
  const asked = refs.flatMap((ref) => wanted.map(({ file }) => ({ ref, file })));
  const answers: string[] = [];
  while (answers.length < asked.length) {
    const rest = asked.slice(answers.length).map(({ ref, file }) => `${ref}:${file}\n`);
    answers.push(...git(['cat-file', '--batch-check'], rest.join('')).split('\n').slice(0, -1));
    // Of some damage git dies at once.
    if (answers.length < asked.length) answers.push('damaged');
  }
  return answers.map((answer, index) => `${answer.split(' blob ')[0] ?? ''} ${asked[index]?.file ?? ''}`);
}

/** A file and its content, as git names them. */
function entry({ file, content }: Drifted): string {
  const id = createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0${content}`)
    .digest('hex');
  return `${id} ${file}`;
}

/** Different for every seed, the same every time, and hard to compress. */
function noise(seed: string, bytes: number): string {
  let text = '';
  for (let part = 0; text.length < bytes; part++) {
    text += createHash('sha512').update(`${seed} ${part}`).digest('base64') + '\n';
  }
  return text.slice(0, bytes);
}
