import type { Facts } from '../../../src/errors.js';
import { commandLine } from '../command-line.js';
import type { Explanations } from '../explanation.js';
import { because, list, number, place, the, workspace } from '../fact-words.js';
import { aFew } from '../quantities.js';

/** A landing. */
export const landing = {
  'sync.unreadable': (facts) => ({
    message: `cannot read ${the(facts, 'path', 'a file of the working tree')}: ${because(facts, 'the system refuses')}`,
    hint: 'make it readable, or have git ignore it',
  }),
  'sync.changing': (facts) => ({
    message: `cannot take a snapshot: ${aFew(list(facts, 'paths'))} changed each time it was read`,
    hint: 'nothing was sent; sync again when what writes there has paused, or have git ignore it',
  }),
  'sync.drifted': (facts) => ({
    message: `${workspace(facts)} was changed over there since the last landing: ${aFew(drifted(facts))}`,
    hint: 'nothing was changed; `--drift save` keeps those changes aside and lands the tree',
  }),
  'sync.not_empty': (facts) => ({
    message: `${workspace(facts)} already holds something else`,
    hint: 'nothing was changed; `--adopt` takes the directory over and keeps what stands there aside, `--workdir` names another',
  }),
  'sync.forbidden_workspace': (facts) => ({
    message: `${workspace(facts)} cannot be a workspace: ${because(facts, 'it is protected')}`,
    hint: 'give the workspace a directory of its own: SIDECAR_WORKDIR outweighs the `--workdir` of `add` and `create`, and that the `workdir` of .sidecar.json',
  }),
  'sync.in_use': (facts) => ({
    message: `another sync keeps ${workspace(facts)} locked`,
    hint: 'try again when it has ended',
  }),
  'sync.unsettled': (facts) => ({
    message: `files in ${workspace(facts)} kept changing while the tree was landing: ${because(facts, 'no moment of rest was found')}`,
    hint: 'stop what writes there, and sync again',
  }),
  'sync.remote_git': (facts) => ({
    message: `git on ${place(facts)} cannot be used: ${because(facts, 'it is missing or too old')}`,
    hint: `install git ${the(facts, 'floor', '')} or newer there; nothing else is needed`,
  }),
  'sync.remote_failed': (facts) => ({
    message: `the landing failed on ${place(facts)}: ${because(facts, 'it gave no reason')}`,
    hint: 'put that right over there, and sync again: it goes on from what really stands there',
  }),
  'sync.bad_reply': (facts) => ({
    message: `${place(facts)} answered in a way that makes no sense: ${because(facts, 'the reply is not of this protocol')}`,
    hint: 'check that `ssh HOST true` prints nothing and that the login shell there can start `sh`',
  }),
  'sync.not_proved': (facts) => ({
    message: `${workspace(facts)} does not hold the tree that was sent: expected ${the(facts, 'expected', 'its id')}, found ${the(facts, 'actual', 'another')}`,
    hint: 'sync again; if it stays so, something over there rewrites files as they land',
  }),
  'landing.after_failed': (facts) => ({
    message:
      `the command after the landing in ${workspace(facts)} exited with ${number(facts, 'exitCode') ?? 1}: ` +
      commandLine(list(facts, 'command')),
    hint: 'the tree has landed; it runs again after the next landing that changes something, or by `sidecar exec`',
  }),
} satisfies Explanations;

function drifted(facts: Facts): readonly string[] {
  return ['modified', 'added', 'deleted'].flatMap((kind) => list(facts, kind).map((path) => `${path} (${kind})`));
}
