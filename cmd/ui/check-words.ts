import type { CheckGroup, CheckId, Finding, Said } from '../../src/doctor/check.js';
import type { Sayings } from '../../src/doctor/sayings.js';
import { explain } from './explain.js';
import { aFew, count, formatBytes, formatSeconds } from './quantities.js';

/** What a check found, in words. */
export interface CheckWords {
  readonly detail: string;
  /** What to do about it, where something is to be done. */
  readonly fix?: string;
}

export const checkTitles: Readonly<Record<CheckId, string>> = {
  node: 'Node.js',
  git: 'git',
  ssh: 'ssh',
  'state.directory': 'state directory',
  'state.space': 'disk space',
  'config.directory': 'configuration directory',
  'settings.user': 'your settings',
  'settings.project': 'settings of the project',
  'settings.environment': 'settings in the environment',
  registry: 'list of sidecars',
  agent: 'ssh-agent',
  keys: 'keys',
  'daemon.socket': 'socket of the daemon',
  daemon: 'daemon',
  control_plane: 'control plane',
  working_tree: 'working tree',
  sidecar: 'sidecar',
  address: 'address',
  name: 'host name',
  port: 'port',
  host_key: 'SSH and host key',
  login: 'login',
  round_trip: 'round trip',
  'remote.shell': 'shell',
  'remote.git': 'git there',
  'remote.tools': 'tools there',
  'remote.workspace': 'workspace',
  'remote.workspace_space': 'disk space of the workspace',
  'remote.state': 'state directory there',
  'remote.state_space': 'disk space of the state there',
  'remote.clock': 'clock there',
  'remote.landing': 'other landings',
};

export function groupTitle(group: CheckGroup, sidecar: string | null): string {
  const name = sidecar ?? 'the sidecar';
  return { here: 'This machine', way: `The way to ${name}`, there: `On ${name}` }[group];
}

export function checkWords(finding: Finding): CheckWords {
  if ('because' in finding) return { detail: `not tried: see ${checkTitles[finding.because]}` };
  if ('error' in finding) {
    const { message, hint } = explain(finding.error);
    return { detail: message, ...(hint === '' ? {} : { fix: hint }) };
  }
  const { says, facts } = finding as Said;
  // TypeScript does not see that name and facts belong together.
  return (sayings[says] as (known: typeof facts) => CheckWords)(facts);
}

const found = (detail: string): CheckWords => ({ detail });

const sayings: { readonly [S in keyof Sayings]: (facts: Sayings[S]) => CheckWords } = {
  'node.runs': ({ version }) => found(version),
  'git.runs': ({ version }) => found(version),
  'git.unnumbered': () => ({ detail: 'it does not tell its version', fix: 'see what `git version` prints' }),
  'ssh.runs': ({ version }) => found(version),
  'ssh.absent': ({ config }) => ({
    detail: config ? 'not installed, or not on PATH: ~/.ssh/config is not read' : 'not installed, and not needed',
    ...(config ? { fix: "install OpenSSH's client, or add sidecars by their plain addresses" } : {}),
  }),
  'ssh.config_broken': ({ reason }) => ({
    detail: `it cannot read its configuration: ${reason}`,
    fix: 'correct that; `ssh -G localhost` shows whether it is right',
  }),

  'directory.ready': ({ path }) => found(path),
  'directory.to_be_made': ({ path }) => found(`${path}, made when it is needed`),
  'space.enough': (space) => found(room(space)),
  'space.little': (space) => ({
    detail: `only ${room(space)}`,
    fix: `make room there: see \`df -h '${space.path}'\`, and \`df -i\` for inodes`,
  }),
  'space.none': (space) => ({
    detail: `only ${room(space)}`,
    fix: `make room there: see \`df -h '${space.path}'\`, and \`df -i\` for inodes`,
  }),
  'space.unknown': ({ path }) => found(`nothing tells how much is free for ${path}`),

  'settings.absent': ({ path, above }) => found(`there is no ${path}${above ? ', nor one above it' : ''}`),
  'settings.read': ({ path }) => found(path),
  'settings.in_environment': ({ variables }) => found(variables.length === 0 ? 'none' : variables.join(', ')),
  'registry.read': ({ path, sidecars }) => found(`${path}, with ${count(sidecars, 'sidecar')}`),

  'agent.holds': ({ socket, keys }) => found(`${count(keys, 'key')} in the one at ${socket}`),
  'agent.absent': () => found('none (SSH_AUTH_SOCK is not set)'),
  'agent.unreachable': ({ reason }) => ({
    detail: `cannot be reached: ${reason}`,
    fix: 'start one with `eval "$(ssh-agent)"` and `ssh-add`, or do without: `unset SSH_AUTH_SOCK`',
  }),
  'keys.usable': ({ paths, locked }) =>
    found(paths.map((path) => (locked.includes(path) ? `${path} (with a passphrase)` : path)).join(', ')),
  'keys.unusable': ({ paths, reasons }) => ({
    detail: `${paths.length === 0 ? 'none can be used' : aFew(paths)}; passed over: ${reasons.join('; ')}`,
    fix: 'correct these files, or take them out of ~/.ssh/config',
  }),
  'keys.in_agent': () => found('those of the ssh-agent'),
  'keys.of_its_own': () => found('this sidecar has one of its own'),
  'keys.of_this_machine': () => found('the one that this machine has for all sidecars of the control plane'),
  'keys.left_to_ssh': () => found('OpenSSH connects, and finds what there is to log in with by itself'),
  'keys.none': () => ({
    detail: 'there is none',
    fix: 'make one with `ssh-keygen`, or start your ssh-agent. Sidecars that `sidecar create` makes bring their own',
  }),

  'socket.near': ({ path }) => found(path),
  'socket.elsewhere': ({ path, stateDir }) => found(`${path}, because ${stateDir} is too long a path for a socket`),
  'socket.exposed': ({ path }) => ({
    detail: `others can write in ${path}, or it is theirs; commands go on without the daemon`,
    fix: `run \`chmod 700 '${path}'\` if it is yours`,
  }),
  'daemon.absent': () => found('not running; the next command that opens a session starts it'),
  'daemon.unwanted': () => found('not used (--no-daemon, or SIDECAR_NO_DAEMON)'),
  'daemon.same_build': ({ pid, sessions }) => found(`process ${pid}, ${count(sessions, 'session')}`),
  'daemon.older': ({ pid, version }) => ({
    detail: `process ${pid} is of an older build (${version}); the next sync replaces it`,
    fix: '`sidecar daemon stop` does so now',
  }),
  'daemon.newer': ({ pid, version }) => ({
    detail: `process ${pid} is of a newer build (${version}); this command does without it`,
    fix: 'use the newer sidecar, or end that one with `sidecar daemon stop`',
  }),

  'control_plane.none': () => found('none is configured, and none is needed'),
  'control_plane.several': ({ servers }) => ({
    detail: `none is named, and there are logins at ${aFew(servers)}`,
    fix: 'name the one that is meant: SIDECAR_SERVER, or `server` in your config.json',
  }),
  'control_plane.silent': ({ server, seconds }) => ({
    detail: `no answer from ${server} in ${seconds} s`,
    fix: 'try again later; only sidecars of its own need it',
  }),
  'control_plane.answers': ({ server, status }) => found(`${server} knows you, and says that it is ${status}`),

  'tree.repository': ({ root }) => found(root),
  'tree.directory': ({ root }) => found(`${root}, which is no git repository: all that is in it would be sent`),
  'tree.at_work': ({ path }) => found(`git is at work in it (${path})`),
  'tree.locked': ({ path }) => ({
    detail: `git left a lock behind: ${path}`,
    fix: `if no git runs there any more: \`rm '${path}'\``,
  }),

  'sidecar.chosen': ({ name, kind }) => found(`${name} (${kind})`),
  'sidecar.none': ({ known }) => ({
    detail: 'none is selected for this working tree',
    fix:
      known.length === 0
        ? 'make one with `sidecar create`, or adopt a machine with `sidecar add NAME HOST`'
        : `select one with \`sidecar use NAME\`: there is ${aFew(known)}`,
  }),
  'address.known': ({ user, host, port, by }) =>
    found(`${user}@${host.includes(':') ? `[${host}]` : host}:${port}${by === undefined ? '' : `, ${by}`}`),
  'address.asleep': () => found('stopped, or in standby, and not started to be looked at: `sidecar wait` starts it'),
  'name.resolves': ({ host, addresses }) => found(`${host} is ${aFew(addresses)}`),
  'name.needless': ({ host }) => found(`${host} is an address`),
  'name.elsewhere': ({ host }) => found(`${host} is not looked up here`),
  'name.unknown': ({ host, reason }) => ({
    detail: `${host} cannot be resolved: ${reason}`,
    fix: 'check how it is spelled in `sidecar list` and ~/.ssh/config, and that this machine is online',
  }),
  'port.open': ({ host, port }) => found(`${host} takes connections on ${port}`),
  'port.led_to': () => found('the way leads to an SSH server'),
  'host.pinned': () => found('it shows the key that is pinned'),
  'host.vouched': ({ fingerprint }) => found(`an authority in known_hosts vouches for its key, ${fingerprint}`),
  'host.known': ({ fingerprint }) => found(`it shows the key in known_hosts, ${fingerprint}`),
  'host.new': ({ fingerprint, keyType }) => ({
    detail: `its key is not known yet and would be trusted from the first connection on: ${fingerprint} (${keyType})`,
    fix: 'compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` or the like says over there',
  }),
  'login.accepted': ({ user }) => found(`accepted as ${user}`),
  'round_trip.measured': ({ ms }) => found(`${ms.toFixed(1)} ms`),

  'shell.runs': ({ shell }) => found(shell),
  'remote_git.runs': ({ version }) => found(version),
  'tools.present': () => found('all that are needed'),
  'tools.missing': ({ tools }) => ({
    detail: `not there, or not on PATH: ${tools.join(', ')}`,
    fix: 'install them over there (packages coreutils, findutils, diffutils, grep, sed, gawk)',
  }),
  'home.missing': () => ({
    detail: 'there is no home directory there, or it cannot be entered',
    fix: 'give the user over there a home directory, and set HOME to it',
  }),
  'workspace.ready': ({ path }) => found(path),
  'workspace.to_be_made': ({ path }) => found(`${path}, made by the first landing`),
  'workspace.holds_files': ({ path }) => ({
    detail: `${path} holds something else, and nothing has landed there yet`,
    fix: '`sidecar sync --adopt` takes it over and keeps what stands there aside; `--workdir` of `sidecar add` names another',
  }),
  'workspace.unwritable': ({ path, directory }) => ({
    detail: `${path} cannot be written: no permission in ${directory}`,
    fix: `give the user over there the right to write in ${directory}, or choose another workspace (SIDECAR_WORKDIR)`,
  }),
  'remote_state.ready': ({ path }) => found(path),
  'remote_state.unwritable': ({ path, reason }) => ({
    detail: `${path} cannot be used: ${reason}`,
    fix: 'put that right over there, or set XDG_STATE_HOME there to another directory',
  }),
  'clock.in_step': ({ skewMs }) => found(`within ${formatSeconds(Math.max(1000, Math.abs(skewMs)))} of the one here`),
  'clock.apart': ({ skewMs }) => ({
    detail: `${formatSeconds(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the one here`,
    fix: 'set the one that is wrong: `timedatectl set-ntp true`, where systemd runs',
  }),
  'landing.free': () => found('none is under way'),
  'landing.under_way': ({ pid, sureOf }) => ({
    detail: sureOf
      ? `one is under way (process ${pid} there): a sync waits for it`
      : `one may be under way: a lock is held by process ${pid} of another container, or of before the last start`,
    fix: 'wait for it; a lock whose holder is gone is taken over, within ten minutes at most',
  }),
  'landing.left_lock': ({ pid }) => found(`one was cut off (process ${pid}); the next sync goes on from there`),

  'check.too_slow': ({ seconds }) => ({
    detail: `no answer in ${seconds} s`,
    fix: 'try again; if it stays so, run it with `--verbose`',
  }),
};

function room({ freeBytes, freeInodes }: Sayings['space.enough']): string {
  const bytes = `${formatBytes(freeBytes)} free`;
  return freeInodes === undefined ? bytes : `${bytes}, ${count(freeInodes, 'inode')}`;
}
