import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { FarSide } from '../../sync/far-side.js';
import type { Scenario } from './bed.js';

/** A tree of every kind, and no more of each than it takes. */
function firstTree({ repo }: FarSide): void {
  repo.write('.gitignore', '*.o\n*.log\nbuild\ncache\n');
  for (let file = 0; file < 8; file++) repo.write(`d${file % 3}/f${file}`, `first ${file}\n`.repeat(40));
  repo.write('tool', '#!/bin/sh\n', 0o755);
  repo.write('becomes-file/inner', 'in a directory\n');
  repo.write('becomes-directory', 'a file\n');
  repo.write('becomes-link', 'a file\n');
  repo.write('doomed', 'deleted here later\n');
  repo.write('long', noise('first', 12_000));
  symlinkSync('tool', path.join(repo.root, 'link'));
}

/** Edits, deletions and every change of type, here. */
function secondTree({ repo }: FarSide): void {
  for (let file = 0; file < 4; file++) repo.write(`d${file % 3}/f${file}`, `second ${file}\n`.repeat(40));
  repo.write('becomes-file', 'a file now\n');
  rmSync(path.join(repo.root, 'becomes-directory'));
  repo.write('becomes-directory/deep/inner', 'in a directory now\n');
  rmSync(path.join(repo.root, 'becomes-link'));
  symlinkSync('d0', path.join(repo.root, 'becomes-link'));
  rmSync(path.join(repo.root, 'doomed'));
  repo.write('long', noise('second', 12_000));
  repo.write('new/file', 'new here\n');
  // What this hid over there shows only once it has landed: the landing takes a second look.
  repo.write('.gitignore', '*.o\nbuild\ncache\n');
  // Tracked here though ignored: over there something that was built stands in their way.
  repo.write('x.o', 'tracked here\n');
  repo.write('build', 'a file here\n');
  repo.git('add', '-f', 'x.o', 'build');
}

/** What somebody over there did since. */
function drift(side: FarSide): void {
  const there = (file: string): string => path.join(side.workspace, file);
  const put = (file: string, content: string): void => {
    mkdirSync(path.dirname(there(file)), { recursive: true });
    rmSync(there(file), { recursive: true, force: true });
    writeFileSync(there(file), content);
  };
  put('d0/f0', 'edited over there, and here\n');
  put('d2/f5', 'edited over there only\n');
  put('doomed', 'edited over there, deleted here\n');
  put('added/there', 'added over there\n');
  put('new/file', 'added on both sides\n');
  put('long', noise('drift', 9_000));
  rmSync(there('d1/f4'));
  put('d1/f4/inner', 'a directory over there\n');
  put('becomes-directory', 'edited over there, a directory here\n');
  rmSync(there('d1/f1'));
  rmSync(there('link'));
  symlinkSync('d1', there('link'));
  put('x.o', 'built over there\n');
  put('build/deep/out', 'built over there\n');
  put('d2/hidden.log', 'written over there\n');
  put('cache/kept', 'ignored over there\n');
  put('d0/kept.o', 'ignored over there\n');
}

async function landFirstTree(side: FarSide): Promise<void> {
  firstTree(side);
  await side.sync();
}

const ignored = ['cache/kept', 'd0/kept.o'];

export const firstLanding: Scenario = {
  title: 'a first landing',
  since: firstTree,
};

export const laterLanding: Scenario = {
  title: 'a later landing, with drift, deletions, changes of type and ignored files in its way',
  landed: landFirstTree,
  since: (side) => {
    secondTree(side);
    drift(side);
  },
  ignored,
};

export const largeLanding: Scenario = {
  title: 'a landing whose pack is kept as a file',
  landed: landFirstTree,
  since: (side) => {
    laterLanding.since(side);
    for (let file = 0; file < 4; file++) side.repo.write(`large/${file}`, noise(`large ${file}`, 40_000));
  },
  ignored,
};

export const lostShadow: Scenario = {
  title: 'a landing in a clone, after the shadow there was removed',
  landed: async (side) => {
    firstTree(side);
    side.repo.commit();
    side.far('git', 'clone', '-q', side.repo.root, side.workspace);
    side.repo.write('d1/f4', 'edited before the last landing\n');
    await side.sync();
  },
  since: (side) => {
    laterLanding.since(side);
    side.repo.git('add', '-A');
    rmSync(path.join(side.home, '.local/state/sidecar'), { recursive: true });
  },
  ignored,
};

/** Different for every seed, and hard to compress. */
export function noise(seed: string, bytes: number): string {
  let text = '';
  for (let part = 0; text.length < bytes; part++) {
    text += createHash('sha512').update(`${seed} ${part}`).digest('base64') + '\n';
  }
  return text.slice(0, bytes);
}
