import { SidecarError, type ErrorCode, type Facts } from '../../src/errors.js';
import { commandLine } from './command-line.js';
import { because, effort, list, number, place, text, the, workspace } from './fact-words.js';
import { aFew, count } from './quantities.js';

export interface Explanation {
  /** What happened, and why. */
  readonly message: string;
  /** What to do next; empty where there is nothing to do. */
  readonly hint: string;
}

/** An error in words for people. Facts are shown as they are: `paint` and `jsonLine` escape them. */
export function explain(error: SidecarError): Explanation {
  return explanations[error.code](error.facts);
}

/** The same for a line that has said already which file it is about. */
export function explainInPlace({ code, facts }: SidecarError): Explanation {
  return explain(new SidecarError(code, { ...facts, file: '', path: '', source: '' }));
}

/** Why it failed, in as few words as there are: for a line that says more than that. */
export function causeOf(error: SidecarError): string {
  return text(error.facts, 'reason') ?? explain(error).message;
}

const explanations: Readonly<Record<ErrorCode, (facts: Facts) => Explanation>> = {
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

  'ssh.unreachable': (facts) => ({
    message: `cannot reach ${place(facts)}: ${because(facts, 'no answer')}${effort(facts)}`,
    hint: 'check that the machine is up, its address right and its port open; SIDECAR_CONNECT_TIMEOUT=5m waits for longer',
  }),
  'ssh.auth_refused': (facts) =>
    'tried' in facts && list(facts, 'tried').length === 0 ? noKey(facts) : refusedLogin(facts),
  'ssh.key_unusable': (facts) => ({
    message: `cannot use the key ${the(facts, 'path', 'file')}: ${because(facts, 'it cannot be read')}`,
    hint: 'correct the file, or name another with `--identity` when adding the sidecar',
  }),
  'ssh.passphrase_needed': (facts) => ({
    message: `the key ${the(facts, 'path', 'file')} has a passphrase, and there is no terminal to ask for it on`,
    hint: `run \`ssh-add ${the(facts, 'path', 'FILE')}\` first, or run this on a terminal`,
  }),
  'ssh.host_key_changed': (facts) => ({
    message:
      `the host key of ${place(facts)} has changed: expected ${list(facts, 'expected').join(' or ')}, ` +
      `got ${the(facts, 'actual', 'another key')}; this may be an attack, and nothing was sent`,
    hint: hostKeyWayOut(facts),
  }),
  'ssh.host_key_revoked': (facts) => ({
    message: `the host key of ${place(facts)}, ${the(facts, 'actual', 'unknown')}, is marked as revoked in ${the(facts, 'source', 'known_hosts')}`,
    hint: 'do not connect to this machine before it has a new host key',
  }),
  'ssh.protocol': (facts) => ({
    message: `${place(facts)} does not speak SSH as expected: ${because(facts, 'the handshake failed')}`,
    hint: 'check the port, and what listens there',
  }),
  'ssh.config_invalid': (facts) => ({
    message: `the SSH configuration for ${place(facts)} cannot be used: ${because(facts, 'it is not valid')}`,
    hint: 'see what `ssh -G HOST` prints, or add the machine by its plain address',
  }),
  'ssh.channel_refused': (facts) => ({
    message: `${place(facts)} refused to open a channel: ${because(facts, 'it gave no reason')}`,
    hint: 'check MaxSessions, AllowTcpForwarding and ForceCommand in the sshd_config there',
  }),
  'ssh.connection_lost': (facts) => ({
    message: `the connection to ${place(facts)} was lost: ${because(facts, 'it ended without a word')}`,
    hint: 'run the command again when the network is back: a sync goes on from what really stands there',
  }),

  'provider.failed': (facts) => ({
    message: `the machine of ${place(facts)} cannot be had: ${because(facts, 'its provider gave no reason')}`,
    hint: logOf(facts) ?? 'run it again with `--verbose` to see more',
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
    hint: 'give the workspace a directory of its own: `workdir` in .sidecar.json, or SIDECAR_WORKDIR',
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
  'landing.after_failed': (facts) => ({
    message:
      `the command after the landing in ${workspace(facts)} exited with ${number(facts, 'exitCode') ?? 1}: ` +
      commandLine(list(facts, 'command')),
    hint: 'the tree has landed; it runs again after the next landing that changes something, or by `sidecar exec`',
  }),
  'forward.local_refused': (facts) => ({
    message: `cannot listen on ${listenAddress(facts)} here: ${because(facts, 'the system refuses')}`,
    hint: `choose another port, as in \`18080:${number(facts, 'listenPort') ?? 8080}\`; port 0 takes any that is free`,
  }),
  'forward.remote_refused': (facts) => ({
    message: `${place(facts)} does not listen on ${listenAddress(facts)}: the port is taken there, or its server allows none`,
    hint: 'choose another port (0 takes any that is free), or see AllowTcpForwarding, PermitListen and GatewayPorts in its sshd_config',
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
};

/** The keys that were offered, and those that could not be. */
function keys(facts: Facts): string {
  const tried = list(facts, 'tried');
  const unsupported = list(facts, 'unsupported');
  return (
    (tried.length > 0 ? ` (${aFew(tried)})` : '') +
    (unsupported.length > 0 ? `; passed over, because they cannot be used: ${aFew(unsupported)}` : '')
  );
}

function listenAddress(facts: Facts): string {
  const host = the(facts, 'listenHost', '*');
  return `${host.includes(':') ? `[${host}]` : host}:${number(facts, 'listenPort') ?? 0}`;
}

function withPath(message: string, path: string | undefined): string {
  return path === undefined ? message : `${message}: ${path}`;
}

/** With the line of a file where it stands. */
function withLine(facts: Facts, message: string): string {
  const [file, line] = [text(facts, 'file'), number(facts, 'line')];
  return file === undefined || line === undefined ? message : `${file}, line ${line}: ${message}`;
}

function logOf(facts: Facts): string | undefined {
  const lastLine = text(facts, 'lastLine');
  return lastLine === undefined ? undefined : `its log ends with: ${lastLine}`;
}

function drifted(facts: Facts): readonly string[] {
  return ['modified', 'added', 'deleted'].flatMap((kind) => list(facts, kind).map((path) => `${path} (${kind})`));
}

/** Where the key that was expected is kept decides how to replace it. */
function hostKeyWayOut(facts: Facts): string {
  const file = text(facts, 'source');
  const way =
    file === undefined || file === 'pin'
      ? `run \`sidecar forget ${the(facts, 'sidecar', 'NAME')}\` and add it again`
      : `take its old key out of ${file} and try again`;
  return `only if you know that the machine was rebuilt: ${way}`;
}

function refusedLogin(facts: Facts): Explanation {
  return {
    message: `${place(facts)} refused the login as ${the(facts, 'user', 'this user')}: ${because(facts, 'no key fits')}${keys(facts)}`,
    hint:
      number(facts, 'attempts') === undefined
        ? 'check the user name, and that ~/.ssh/authorized_keys over there holds one of your public keys'
        : 'the machine has just booted: if it is still being set up, try again in a moment',
  };
}

/** Nobody was asked: there was nothing to ask with. */
function noKey(facts: Facts): Explanation {
  return {
    message: `there is no SSH key to log in to ${place(facts)} with as ${the(facts, 'user', 'this user')}${keys(facts)}`,
    hint: 'make one with `ssh-keygen`, start your ssh-agent, or add the sidecar with `--identity FILE`',
  };
}
