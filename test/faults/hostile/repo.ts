import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { GitRepo } from '../../fakes/git-repo.js';
import { findPart } from '../../fakes/parts.js';

/** Everything in a repository by which git starts a program, each time `program`. */
export function trap(repo: GitRepo, program: string): void {
  const gitDir = path.join(repo.root, '.git');
  for (const directory of ['hooks', 'other-hooks']) {
    mkdirSync(path.join(gitDir, directory), { recursive: true });
    for (const hook of hooks) {
      writeFileSync(path.join(gitDir, directory, hook), `#!/bin/sh\nexec ${program} ${hook}\n`);
      chmodSync(path.join(gitDir, directory, hook), 0o755);
    }
  }
  const more = path.join(gitDir, 'more-config');
  writeFileSync(
    more,
    `[core]\n\tfsmonitor = ${program}\n\tpager = ${program}\n[filter "more"]\n\tclean = ${program}\n`,
  );
  appendFileSync(
    path.join(gitDir, 'config'),
    `[core]
	fsmonitor = ${program} fsmonitor
	hooksPath = ${gitDir}/other-hooks
	pager = ${program} pager
	editor = ${program} editor
	sshCommand = ${program} ssh
	gitProxy = ${program}
	askPass = ${program}
	alternateRefsCommand = ${program} refs
	untrackedCache = true
[pager]
	ls-files = ${program} pager
	rev-parse = ${program} pager
	config = ${program} pager
[alias]
	ls-files = !${program} alias
	rev-parse = !${program} alias
	config = !${program} alias
	diff-files = !${program} alias
[sequence]
	editor = ${program}
[credential]
	helper = !${program} credential
[gpg]
	program = ${program}
[commit]
	gpgSign = true
[log]
	showSignature = true
[diff]
	external = ${program} diff
[diff "trap"]
	command = ${program} diff
	textconv = ${program} textconv
[merge "trap"]
	driver = ${program} merge
[filter "trap"]
	clean = ${program} clean
	smudge = ${program} smudge
	process = ${program} process
	required = true
[interactive]
	diffFilter = ${program}
[uploadpack]
	packObjectsHook = ${program} hook
[submodule]
	recurse = true
[include]
	path = ${more}
[includeIf "gitdir:${repo.root}/"]
	path = ${more}
`,
  );
  repo.write('.gitattributes', '* filter=trap diff=trap merge=trap text eol=crlf ident\n*.more filter=more\n');
  repo.write('data.more', 'one\r\ntwo\n$Id$\n');
}

const hooks = [
  ...['post-index-change', 'fsmonitor-watchman', 'pre-commit', 'post-checkout', 'reference-transaction'],
  ...['pre-auto-gc', 'post-rewrite', 'post-commit', 'prepare-commit-msg', 'commit-msg', 'post-merge', 'pre-push'],
];

/** Says that whatever is missing can be fetched, by each way in which a fetch starts a program. */
export function promise(repo: GitRepo, program: string, url: string): void {
  appendFileSync(
    path.join(repo.root, '.git/config'),
    `[extensions]
	partialClone = origin
[core]
	repositoryFormatVersion = 1
	sshCommand = ${program} ssh
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[remote "origin"]
	promisor = true
	partialCloneFilter = blob:none
	uploadpack = ${program} uploadpack
	url = ${url}
`,
  );
}

/** A directory for PATH whose git is older than GIT_NO_LAZY_FETCH (2.44): it does not know the variable. */
export function olderGit(directory: string): string {
  const bin = path.join(directory, 'older-git');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'git'), `#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec ${findPart('git') ?? 'git'} "$@"\n`, {
    mode: 0o755,
  });
  return bin;
}

/** Renames a path in an index to one of the same length that git itself would not write. */
export function forgeIndex(repo: GitRepo, from: string, to: string): void {
  const file = path.join(repo.root, '.git/index');
  const index = readFileSync(file);
  const at = index.indexOf(`${from}\0`);
  if (at < 0 || from.length !== to.length) throw new Error(`cannot make ${to} of ${from}`);
  index.write(to, at);
  const content = index.subarray(0, -20);
  writeFileSync(file, Buffer.concat([content, createHash('sha1').update(content).digest()]));
}
