import type { PathExplained } from '../../src/workspace/explain.js';
import type { Line } from './line.js';
import { count } from './quantities.js';

/** Why a path is or is not sent: the verdict, and the rule that decides. */
export function pathExplained(explained: PathExplained): readonly Line[] {
  const { path, sent, rule, repository } = explained;
  const verdict = sent ? ({ text: 'sent', style: 'green' } as const) : ({ text: 'not sent', style: 'red' } as const);
  return [
    [{ text: path, style: 'bold' }, ': ', verdict, `: ${reasons[explained.reason](explained)}`],
    ...(rule === undefined ? [] : [[`  rule: ${rule.file}:${rule.line}: ${rule.pattern}`] as Line]),
    ...(repository === undefined ? [] : [[`  in the repository ${repository}`] as Line]),
  ];
}

const reasons: Readonly<Record<PathExplained['reason'], (explained: PathExplained) => string>> = {
  tracked: () => 'git tracks it',
  'tracked-ignored': () => 'git tracks it, so the rule that would ignore it does not count',
  untracked: ({ rule }) => (rule === undefined ? 'no rule ignores it' : 'a rule takes it back in'),
  included: () => 'git ignores it, and the settings include it',
  sparse: () => 'a sparse checkout keeps it off the disk here; it travels as git knows it',
  directory: ({ files = 0 }) => `${count(files, 'file')} in it`,
  outside: () => 'it is outside the working tree',
  'git-directory': () => "it belongs to git's own directory",
  absent: () => 'there is nothing at this path',
  deleted: () => 'git tracks it, but it is gone here: a sync deletes it over there',
  ignored: () => 'git ignores it',
  'ignored-by-settings': () => 'the settings ignore it',
  'included-in-vain': () =>
    'git ignores a directory around it; `include` looks into one only where a pattern spells out the way, as in `out/gen/*.json`',
  'behind-link': ({ link = '' }) => `${link} is a symbolic link: the link travels, not what is behind it`,
  'empty-directory': () => 'empty directories do not travel',
  'nothing-sent': () => 'nothing in this directory is sent',
  'absent-submodule': () => 'it is a submodule that is not checked out here',
  unreadable: () => 'it cannot be read, and a sync fails for that; make it readable, or have git ignore it',
  'unreadable-directory': () => 'the directory cannot be read',
  'not-listed': () => 'git does not list it as part of the working tree',
  fifo: () => 'it is a named pipe',
  socket: () => 'it is a socket',
  device: () => 'it is a device',
  'gitmodules-link': () => 'git takes no link of this name',
};
