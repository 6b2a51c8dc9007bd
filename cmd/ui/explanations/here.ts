import type { Facts } from '../../../src/errors.js';
import type { Explanations } from '../explanation.js';
import { because, list, number, text, the } from '../fact-words.js';
import { aFew } from '../quantities.js';

/** What is said and kept on this machine. */
export const here = {
  'usage.invalid': (facts) => ({
    message: withLine(
      facts,
      withPath(because(facts, 'this is no valid command line'), text(facts, 'path') ?? text(facts, 'value')),
    ),
    hint: text(facts, 'suggestion') ?? 'see `sidecar --help`, or `sidecar help COMMAND` for one command',
  }),
  'settings.invalid': (facts) => {
    const file = text(facts, 'file');
    const reason = because(facts, 'a setting is not valid');
    return { message: file === undefined ? reason : `${file}: ${reason}`, hint: 'correct it, or take it out' };
  },

  'sidecar.none_selected': (facts) => {
    const known = list(facts, 'known');
    return {
      message: 'no sidecar is selected for this working tree',
      hint:
        known.length === 0
          ? 'make one with `sidecar create`, or adopt a machine with `sidecar add NAME HOST`'
          : `select one with \`sidecar use NAME\`: there is ${aFew(known)}`,
    };
  },
  'sidecar.unknown': (facts) => {
    const known = list(facts, 'known');
    return {
      message: `there is no sidecar named ${the(facts, 'name', 'that')}`,
      hint:
        known.length === 0
          ? 'there is none yet: make one with `sidecar create`, or adopt a machine with `sidecar add NAME HOST`'
          : `there is ${aFew(known)}; \`sidecar list\` says more`,
    };
  },
  'sidecar.exists': (facts) => {
    const name = the(facts, 'name', 'NAME');
    const provider = text(facts, 'provider');
    if (provider !== undefined) {
      return {
        message: `${provider} has a machine named ${name} already, which another creation made: ${because(facts, 'the name is taken')}`,
        hint: 'take another name; nothing was changed',
      };
    }
    const directory = text(facts, 'directory');
    if (directory !== undefined) {
      return {
        message: `there is a machine named ${name} already, which was forgotten and has its files in ${directory}`,
        hint: 'take another name, or remove that directory if nothing in it is needed any more',
      };
    }
    const suggestion = text(facts, 'suggestion');
    if (suggestion !== undefined)
      return { message: because(facts, 'its provider has one of that name'), hint: suggestion };
    return {
      message: `there is a sidecar named ${name} already`,
      hint: `take another name, or select it with \`sidecar use ${name}\`, or end it with \`sidecar delete ${name}\``,
    };
  },
  'state.corrupt': (facts) => ({
    message: `cannot understand ${the(facts, 'path', 'a state file')}: ${because(facts, 'its content is not as expected')}`,
    hint: 'nothing was changed; put back a good copy, or move the file away to start without it',
  }),
  'state.busy': (facts) => ({
    message: `another sidecar command keeps ${the(facts, 'path', 'the state')} locked`,
    hint: 'try again when it has ended',
  }),
  'state.exposed': (facts) => {
    const path = the(facts, 'path', 'DIR');
    const owner = number(facts, 'owner');
    return {
      message:
        `${path} ${owner === undefined ? `can be written by others (mode ${the(facts, 'mode', 'unknown')})` : `belongs to another user (${owner})`}` +
        ', who could have sidecar trust a machine of theirs',
      hint:
        owner === undefined
          ? `run \`chmod 700 '${path}'\`, if you know that nobody has changed it`
          : 'set SIDECAR_HOME to a directory of your own',
    };
  },
  'state.unwritable': (facts) => ({
    message: `cannot use ${the(facts, 'path', 'the state directory')}: ${because(facts, 'the system refuses')}`,
    hint: 'check its owner, its permissions and the free space, or set SIDECAR_HOME to another directory',
  }),
  'git.missing': () => ({
    message: 'git is not installed on this machine, or not on PATH',
    hint: 'install git',
  }),
  'git.too_old': (facts) => ({
    message: 'git on this machine is too old',
    hint: `install git ${the(facts, 'floor', '2.30')} or newer`,
  }),
  'git.failed': (facts) => ({
    message: `git failed on this machine: ${because(facts, 'it gave no reason')}`,
    hint:
      text(facts, 'distrusted') === undefined
        ? 'run it again with `--verbose` to see more'
        : `if you trust it, run \`git config --global --add safe.directory ${the(facts, 'distrusted', 'DIR')}\``,
  }),
  'daemon.silent': (facts) => ({
    message: `the daemon does not answer at ${text(facts, 'socket') ?? 'its socket'}`,
    hint: 'commands go on without it, and the next one starts another; to end it, look for its process: daemon-server.js',
  }),

  'init.refused': (facts) => ({
    message: `cannot add to ${the(facts, 'path', 'this file')}: ${because(facts, 'it is not as expected')}`,
    hint: 'nothing was changed; put that right, or move it away',
  }),
  'init.unwritable': (facts) => ({
    message: `cannot write ${the(facts, 'path', 'this file')}: ${because(facts, 'the system refuses')}`,
    hint: 'put that right, and run it again',
  }),
  interrupted: () => ({ message: 'interrupted', hint: '' }),
  internal: (facts) => ({
    message: `something that should not happen: ${because(facts, 'unknown')}`,
    hint: 'run it again with `--verbose` and report what it prints',
  }),
} satisfies Explanations;

function withPath(message: string, path: string | undefined): string {
  return path === undefined ? message : `${message}: ${path}`;
}

/** With the line of a file where it stands. */
function withLine(facts: Facts, message: string): string {
  const [file, line] = [text(facts, 'file'), number(facts, 'line')];
  return file === undefined || line === undefined ? message : `${file}, line ${line}: ${message}`;
}
