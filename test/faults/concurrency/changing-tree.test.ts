import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncResult } from '../../../src/sync/result.js';
import { FarSide } from '../../sync/far-side.js';
import { tried, type FaultTrial } from '../ledger.js';
import { scale } from '../scale.js';

let side: FarSide;
beforeEach(() => {
  side = new FarSide();
  side.repo.write('still', 'x\n');
});
afterEach(() => side.remove());

const here = (file: string): string => path.join(side.repo.root, file);
const there = (file: string): string => path.join(side.workspace, file);

/**
 * A git that does `meanwhile`, lines of shell, right before or after each `update-index --add` of ours, for so many
 * times: between the moment that a file was looked at and the moment that it is read, or right after that.
 */
function gitThat(when: 'before' | 'after', meanwhile: string, times = 1): Record<string, string> {
  const bin = here('../bin');
  const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim();
  const count = `n=$(cat '${bin}.count' 2>/dev/null || echo 0)`;
  const act = `case " $* " in *' update-index '*' --add '*) ${count}; if [ $n -lt ${times} ]; then echo $((n+1)) >'${bin}.count'; (cd '${side.repo.root}' && ${meanwhile}) </dev/null; fi;; esac`;
  execFileSync('mkdir', ['-p', bin]);
  const lines = when === 'before' ? [act, `exec '${real}' "$@"`] : [`'${real}' "$@"; code=$?`, act, 'exit $code'];
  writeFileSync(path.join(bin, 'git'), ['#!/bin/sh', ...lines, ''].join('\n'), {
    mode: 0o755,
  });
  return { ...side.repo.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

const trial = (where: string, outcome: FaultTrial['outcome'] = 'finished by the same sync'): FaultTrial => ({
  fault: 'files that change while they are read',
  where,
  times: 1,
  outcome,
});

describe('a working tree that changes while its snapshot is taken', () => {
  it.each([
    ['grows', 'echo more >>f', 'before'],
    ['shrinks', ': >f', 'before'],
    ['is replaced', 'echo other >g.tmp && mv g.tmp f', 'before'],
    ['is rewritten with the same size', 'printf %s BBBBBBBB >f', 'before'],
    ['vanishes', 'rm f', 'before'],
    ['becomes a directory', 'rm f && mkdir f && echo in >f/in', 'before'],
    ['becomes a link', 'rm f && ln -s still f', 'before'],
    ['moves to where git has looked already', 'mkdir -p a && mv f a/f', 'before'],
    ['grows after it was read', 'echo more >>f', 'after'],
    ['is rewritten after it was read, with the same size, in the same second', 'printf %s BBBBBBBB >f', 'after'],
  ] as const)('lands as it then is when a file %s', async (_, meanwhile, when) => {
    writeFileSync(here('f'), 'AAAAAAAA');
    const result = await side.sync({ env: gitThat(when, meanwhile) });
    expect(result.verified).toBe(true);
    expect(side.there()).toEqual(side.here());
    expect((await side.sync()).upToDate).toBe(true);
  });

  it('is not landed while a file never stands still: an error names it, and the next sync lands it', async (context) => {
    writeFileSync(here('f'), 'x');
    await expect(side.sync({ env: gitThat('after', 'date +%N >>f', 1000) })).rejects.toMatchObject({
      code: 'sync.changing',
      facts: { paths: ['f'] },
    });
    expect(side.far('ls', '-A')).not.toContain('app');
    await side.sync();
    expect(side.there()).toEqual(side.here());
    tried(context, trial('a file that never stands still', 'clear error; the next sync finished'));
  });

  it('is never landed with a torn file, whoever writes there', { timeout: 120_000 * scale }, async (context) => {
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) writeFileSync(here(name), content(0));
    const stop = new AbortController();
    const writers = names.map((name, index) => writeAllTheTime(here(name), index % 2 === 0, stop.signal));
    let landed = 0;
    try {
      for (let round = 0; round < 8 * scale; round += 1) {
        const result = await side.sync().catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'sync.changing' });
        });
        if (result === undefined) continue;
        landed += 1;
        expectWhole(result);
      }
    } finally {
      stop.abort();
      await Promise.all(writers);
    }
    await side.sync();
    expect(side.there()).toEqual(side.here());
    expect(readdirSync(side.workspace).sort()).toEqual([...names, 'still']);
    expect(landed).toBeGreaterThan(0);
    tried(context, { ...trial('four writers, in place and by renaming'), times: landed });
  });
});

/** 200 kB of one number: a file that was torn holds two. */
const content = (version: number): string => `${version}\n`.repeat(200_000 / `${version}\n`.length);

/** In place a file is written in several steps, without a pause; by renaming it is whole at any moment. */
async function writeAllTheTime(file: string, inPlace: boolean, signal: AbortSignal): Promise<void> {
  for (let version = 1_000; !signal.aborted; version += 1) {
    const bytes = Buffer.from(content(version));
    if (inPlace) {
      const open = openSync(file, 'r+');
      for (let at = 0; at < bytes.length; at += 20_000) writeSync(open, bytes, at, 20_000, at);
      closeSync(open);
    } else {
      writeFileSync(`${file}.tmp~`, bytes);
      renameSync(`${file}.tmp~`, file);
    }
    await pause((version % 8) * 50);
  }
}

function expectWhole({ tree }: SyncResult): void {
  expect(tree).toMatch(/^[0-9a-f]{40}$/);
  for (const name of ['a', 'b', 'c', 'd']) {
    expect(new Set(readFileSync(there(name), 'utf8').trim().split('\n')).size).toBe(1);
  }
}
