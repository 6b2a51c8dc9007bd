import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { userEnv } from '../../fakes/git-repo.js';
import { contentOf, targetOf } from './contents.js';
import { rulesText, type Edit } from './edits.js';
import { pathOf } from './names.js';
import { Tree } from './tree.js';

/** Where edits are made: in the user's working tree, or in the workspace, where `here` is the user's to be copied. */
export interface Scene {
  readonly tree: Tree;
  readonly names: readonly string[];
  readonly home: string;
  readonly here?: Tree;
}

/** Makes one change. One that has nothing to work on, or that git refuses, changes nothing. */
export function perform(scene: Scene, edit: Edit): void {
  const { tree, names } = scene;
  switch (edit.edit) {
    case 'file': {
      tree.file(pathOf(names, edit.at), contentOf(edit.content), edit.exec ? 0o755 : 0o644);
      return;
    }
    case 'link': {
      tree.link(pathOf(names, edit.at), targetOf(edit.target));
      return;
    }
    case 'ignore file': {
      tree.file([...edit.at.map((one) => pathOf(names, [one])), '.gitignore'].join('/'), rules(scene, edit.rules));
      return;
    }
    case 'exclude': {
      appendFileSync(`${tree.root}/.git/info/exclude`, rules(scene, edit.rules));
      return;
    }
    case 'repository': {
      makeRepository(scene, pathOf(names, edit.at), edit.commit);
      return;
    }
    case 'unlink repository': {
      withOne(tree.repositories(), edit.pick, (path) => tree.remove(path + '/.git'));
      return;
    }
    case 'move': {
      withOne(tree.nodes(), edit.pick, ({ path }) => tree.move(path, pathOf(names, edit.to)));
      return;
    }
    case 'remove': {
      withOne(tree.nodes(), edit.pick, ({ path }) => tree.remove(path));
      return;
    }
    case 'recase': {
      withOne(tree.nodes(), edit.pick, ({ path }) => recase(tree, path));
      return;
    }
    case 'touch':
    case 'rewrite':
    case 'mode': {
      withOne(files(tree), edit.pick, (path) => change(tree, path, edit.edit));
      return;
    }
    case 'alike': {
      withOne(scene.here?.leaves() ?? [], edit.pick, (path) => {
        const entry = scene.here?.read(path);
        if (entry !== undefined) tree.put(path, entry);
      });
      return;
    }
    case 'track': {
      withOne(tree.leaves(), edit.pick, (path) => {
        git(
          scene,
          tree.root,
          ['add', '-f', '--pathspec-from-file=-', '--pathspec-file-nul'],
          Buffer.from(path, 'latin1'),
        );
      });
      return;
    }
    case 'stage': {
      git(scene, tree.root, ['add', '-A']);
      return;
    }
    case 'commit': {
      commit(scene, tree.root);
      return;
    }
  }
}

/** All that is there into a commit; a nested repository without one stops only itself. */
export function commit(scene: Scene, root: string): void {
  git(scene, root, ['add', '-A', '--ignore-errors']);
  git(scene, root, ['commit', '-q', '--allow-empty', '--no-verify', '-m', 'a commit']);
}

/** Runs git as a person would. What it refuses is no matter here. */
export function git(scene: Scene, root: string, args: readonly string[], input?: Buffer): void {
  const settings = [
    '-c',
    'core.protectNTFS=false',
    '-c',
    'protocol.file.allow=always',
    '-c',
    'advice.addEmbeddedRepo=false',
  ];
  const env = { ...userEnv(scene.home), GIT_LITERAL_PATHSPECS: '1' };
  try {
    execFileSync('git', [...settings, ...args], { cwd: root, env, stdio: ['pipe', 'ignore', 'ignore'], input });
  } catch {
    // As in a real terminal, the next command comes all the same.
  }
}

function makeRepository(scene: Scene, path: string, born: boolean): void {
  const { tree } = scene;
  if (tree.stats(path)?.isDirectory() !== true) {
    tree.clear(path);
    mkdirSync(tree.at(path));
  }
  rmSync(tree.at(path + '/.git'), { recursive: true, force: true });
  // git cannot be told of a directory whose name is no text: the repository is made aside.
  const aside = tree.root + '.repository';
  const made = new Tree(aside);
  mkdirSync(aside);
  git(scene, aside, ['init', '-q', '-b', 'main']);
  if (born) {
    made.file('committed', contentOf(0));
    commit(scene, aside);
  }
  for (const one of born ? ['.git', 'committed'] : ['.git']) {
    if (tree.stats(`${path}/${one}`) === undefined) tree.adopt(`${aside}/${one}`, `${path}/${one}`);
  }
  rmSync(aside, { recursive: true, force: true });
}

function recase(tree: Tree, path: string): void {
  const start = path.lastIndexOf('/') + 1;
  const swap = (letter: string): string => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase());
  const renamed = path.slice(0, start) + path.slice(start).replace(/[A-Za-z]/, swap);
  if (renamed !== path) tree.move(path, renamed);
}

function change(tree: Tree, path: string, edit: 'touch' | 'rewrite' | 'mode'): void {
  const { kind, content } = tree.read(path);
  if (edit === 'touch') tree.touch(path);
  else if (edit === 'mode') tree.chmod(path, kind === 'exec' ? 0o644 : 0o755);
  else tree.overwrite(path, Buffer.from(content.map((byte) => byte ^ 1)));
}

const files = (tree: Tree): string[] => tree.leaves().filter((path) => tree.read(path).kind !== 'link');

const rules = (scene: Scene, list: Parameters<typeof rulesText>[1]): Buffer =>
  Buffer.from(rulesText(scene.names, list), 'latin1');

function withOne<T>(list: readonly T[], pick: number, act: (one: T) => void): void {
  const one = list[pick % Math.max(1, list.length)];
  if (one !== undefined) act(one);
}
