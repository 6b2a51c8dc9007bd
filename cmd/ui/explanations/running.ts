import type { Explanations } from '../explanation.js';
import { because, list, number, place, text, the, workspace } from '../fact-words.js';
import { aFew } from '../quantities.js';

/** Commands on a sidecar. */
export const running = {
  'run.no_workspace': (facts) => ({
    message: `${workspace(facts)} ${text(facts, 'reason') ?? 'does not exist'}`,
    hint:
      'land your working tree there with `sidecar sync`; `--workdir` names another directory, and `--workdir "~"` the ' +
      'home directory',
  }),
  'run.not_started': (facts) => ({
    message: `the command was not started on ${place(facts)}: ${because(facts, 'the shell over there did not get so far')}`,
    hint: 'check that `ssh HOST true` prints nothing and that the login shell there can start `sh`',
  }),
  'run.uncertain': (facts) => ({
    message: `nobody knows whether run ${the(facts, 'run', 'ID')} has begun on ${place(facts)}: ${because(facts, 'the connection was lost')}`,
    hint: `it was not begun twice; once the network is back, \`sidecar logs ${the(facts, 'run', 'ID')}\` tells`,
  }),
  'run.unknown': (facts) => {
    const id = text(facts, 'id');
    const several = (number(facts, 'matches') ?? 0) > 1;
    const known = list(facts, 'known');
    return {
      message:
        known.length === 0
          ? `nothing has been run with --detach in ${workspace(facts)}`
          : `${several ? 'more than one run' : 'no run'} in ${workspace(facts)} is called ${id ?? 'that'}`,
      hint: known.length === 0 ? '' : `there is ${aFew(known)}; \`sidecar logs --list\` says more`,
    };
  },
  'run.lost': (facts) => ({
    message: `nobody knows how run ${the(facts, 'run', 'ID')} on ${place(facts)} ended: the machine was started again, or what sees to the run was killed`,
    hint: 'what it printed until then is all there; run it again if need be',
  }),
  'run.remote_failed': (facts) => ({
    message: `cannot look after runs on ${place(facts)}: ${because(facts, 'it gave no reason')}`,
    hint: 'put that right over there, and try again: a run goes on meanwhile',
  }),
} satisfies Explanations;
