import type { Facts } from '../../../src/errors.js';
import type { Explanations } from '../explanation.js';
import { because, list, number, text, the, workspace } from '../fact-words.js';
import { aFew, count } from '../quantities.js';

/** What is asked of a workspace, and done in it, beside a landing. */
export const inWorkspace = {
  'verify.nothing_landed': (facts) => ({
    message: `nothing has landed in ${workspace(facts)} yet`,
    hint: 'run `sidecar sync` first',
  }),
  'verify.differs': (facts) => ({
    message:
      `${workspace(facts)} is not what landed there: ${count(drifted(facts).length, 'path')} ` +
      `differ${drifted(facts).length === 1 ? 's' : ''} from tree ${the(facts, 'tree', 'its own').slice(0, 10)} ` +
      `(${count(number(facts, 'files') ?? 0, 'file')} read)`,
    hint: '`sidecar diff` shows how; `sidecar sync` saves what was changed there and lands the working tree',
  }),

  'drift.unknown': (facts) => {
    const id = text(facts, 'id');
    const several = (number(facts, 'matches') ?? 0) > 1;
    const known = list(facts, 'known');
    return {
      message:
        known.length === 0
          ? `no drift is saved of ${workspace(facts)}`
          : `${several ? 'more than one drift' : 'no drift'} of ${workspace(facts)} is saved as ${id ?? 'that'}`,
      hint: known.length === 0 ? '' : `there is ${aFew(known)}; \`sidecar drift list\` says more`,
    };
  },
  'undo.unavailable': (facts) => ({
    message: `nothing can be put back in ${workspace(facts)}: ${because(facts, 'nothing was replaced there')}`,
    hint: '`sidecar sync` lands the working tree; `sidecar drift list` shows what was saved there',
  }),
  'history.unavailable': (facts) => ({
    message: `there is no history to send of ${the(facts, 'path', 'this directory')}: ${because(facts, 'it has no commit')}`,
    hint: 'make a commit, or sync without --history',
  }),
  'history.busy': (facts) => ({
    message:
      `the tree landed, but the repository in ${workspace(facts)} was left as it is: something is under way there ` +
      `(${because(facts, 'a rebase or merge')})`,
    hint: 'finish or abort it there (`sidecar ssh`), then sync with --history again',
  }),
  'pull.conflict': (facts) => {
    const applied = number(facts, 'applied') ?? 0;
    const paths = list(facts, 'conflicts');
    return {
      message:
        `cannot apply what was changed in ${workspace(facts)}: ${paths.length === 0 ? 'files' : aFew(paths)} ` +
        `${paths.length === 1 ? 'has' : 'have'} changed here too since the last landing`,
      hint:
        (applied === 0
          ? 'nothing was changed; '
          : `${count(applied, 'path')} before ${applied === 1 ? 'was' : 'were'} put in place; `) +
        '`sidecar pull --branch B` commits it on a branch to merge, `sidecar pull --patch` prints it',
    };
  },
  'pull.unwritable': (facts) => ({
    message: `cannot write ${the(facts, 'path', 'a file of the working tree')}: ${because(facts, 'the system refuses')}`,
    hint:
      'put that right, and pull again' +
      ((number(facts, 'applied') ?? 0) === 0 ? '; nothing was changed' : ': it goes on from what is in place already'),
  }),
  'pull.branch_exists': (facts) => ({
    message: `there is a branch named ${the(facts, 'branch', 'that')} already`,
    hint: 'take another name; nothing was changed',
  }),
  'pull.other_repository': (facts) => ({
    message: `no commit of this repository can hold files of another one, as ${aFew(list(facts, 'paths'))}`,
    hint: '`sidecar pull --apply` puts them into the working tree, `--patch` prints them',
  }),
} satisfies Explanations;

function drifted(facts: Facts): readonly string[] {
  return ['modified', 'added', 'deleted'].flatMap((kind) => list(facts, kind).map((path) => `${path} (${kind})`));
}
