import type { Facts } from '../../../src/errors.js';
import type { Explanation, Explanations } from '../explanation.js';
import { because, effort, goal, list, number, place, text, the } from '../fact-words.js';
import { aFew } from '../quantities.js';
import { isOfProgram, programFailed, isOfServer, serverFailed } from './providers.js';

/** The way to a sidecar. */
export const sessions = {
  'ssh.unreachable': (facts) => ({
    message: `cannot reach ${goal(facts)}: ${because(facts, 'no answer')}${effort(facts)}`,
    hint: `${whatToCheck(facts)}; SIDECAR_CONNECT_TIMEOUT=5m waits for longer`,
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
  'ssh.host_key_unknown': (facts) => ({
    message:
      `nobody knows the host key of ${place(facts)}, ${the(facts, 'actual', 'unknown')}, and ${the(facts, 'rule', 'your ssh')} ` +
      'in your ssh configuration keeps it from being trusted on first use',
    hint: 'ask who runs the machine for its key, and put that into known_hosts, or add the machine with `--host-key`',
  }),
  'ssh.protocol': (facts) => ({
    message: `${place(facts)} does not speak SSH as expected: ${because(facts, 'the handshake failed')}`,
    hint:
      text(facts, 'reason')?.includes('no matching') === true
        ? otherTransport
        : 'check the port, and what listens there',
  }),
  'ssh.config_invalid': (facts) => ({
    message: `the SSH configuration for ${place(facts)} cannot be used: ${because(facts, 'it is not valid')}`,
    hint: 'see what `ssh -G HOST` prints, or add the machine by its plain address',
  }),
  'ssh.tunnel_refused': (facts) => ({
    message: `the way to ${goal(facts)} is closed: ${because(facts, 'its WebSocket cannot be opened')}`,
    hint: tunnelWayOut(facts),
  }),
  'ssh.channel_refused': (facts) => ({
    message: `${place(facts)} refused to open a channel: ${because(facts, 'it gave no reason')}`,
    hint: 'check MaxSessions, AllowTcpForwarding and ForceCommand in the sshd_config there',
  }),
  'ssh.connection_lost': (facts) => ({
    message: `the connection to ${goal(facts)} was lost: ${because(facts, 'it ended without a word')}`,
    hint: 'run the command again when the network is back: a sync goes on from what really stands there',
  }),

  'provider.failed': (facts) =>
    isOfProgram(facts)
      ? programFailed(facts)
      : isOfServer(facts)
        ? serverFailed(facts)
        : {
            message: `the machine of ${text(facts, 'name') ?? place(facts)} cannot be had: ${because(facts, 'its provider gave no reason')}`,
            hint: text(facts, 'suggestion') ?? logOf(facts) ?? 'run it again with `--verbose` to see more',
          },
  'provider.gone': (facts) => {
    const name = the(facts, 'name', 'NAME');
    return {
      message: `the machine of ${name} is gone: its provider knows it no more`,
      hint: `take it off the list with \`sidecar delete ${name}\`, and create it again`,
    };
  },
  'provider.stopped': (facts) => ({
    message: `${the(facts, 'name', 'NAME')} is stopped, or in standby`,
    hint: 'the next command that needs it starts it: `sidecar wait`, for one',
  }),
  'forward.local_refused': (facts) => ({
    message: `cannot listen on ${listenAddress(facts)} here: ${because(facts, 'the system refuses')}`,
    hint: `choose another port, as in \`18080:${number(facts, 'listenPort') ?? 8080}\`; port 0 takes any that is free`,
  }),
  'forward.remote_refused': (facts) => ({
    message: `${place(facts)} does not listen on ${listenAddress(facts)}: the port is taken there, or its server allows none`,
    hint: 'choose another port (0 takes any that is free), or see AllowTcpForwarding, PermitListen and GatewayPorts in its sshd_config',
  }),
} satisfies Explanations;

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

function logOf(facts: Facts): string | undefined {
  const lastLine = text(facts, 'lastLine');
  return lastLine === undefined ? undefined : `its log ends with: ${lastLine}`;
}

/** Where the key that was expected is kept decides how to replace it. */
function hostKeyWayOut(facts: Facts): string {
  const file = text(facts, 'source');
  if (facts['authority'] === true) {
    const certificate = `only a certificate of the authority in ${the(facts, 'source', 'known_hosts')} makes it known`;
    return `${certificate}: see that the machine has one, and add it with \`--transport openssh\`, which can check it`;
  }
  const name = the(facts, 'sidecar', 'NAME');
  const way =
    file === undefined || file === 'pin'
      ? `run \`sidecar delete ${name}\` and create it again, or, if you added it, \`sidecar forget ${name}\` and add it again`
      : `take its old key out of ${file} and try again`;
  return `only if you know that the machine was rebuilt: ${way}`;
}

function whatToCheck(facts: Facts): string {
  if (number(facts, 'exitCode') !== undefined) return 'see what its proxy command says when you run it yourself';
  const hop = text(facts, 'hop');
  const machine = hop === undefined ? 'the machine is' : `the machine and ${hop} are`;
  return `check that ${machine} up, its address right and its port open`;
}

function tunnelWayOut(facts: Facts): string {
  const status = number(facts, 'status');
  if (text(facts, 'tls') !== undefined)
    return 'have its certificate put right; for an authority of your own, name its file in NODE_EXTRA_CA_CERTS';
  if (text(facts, 'proxy') !== undefined) return 'see HTTPS_PROXY, and name in NO_PROXY what needs no proxy';
  return status === 401 || status === 403
    ? 'its provider gave credentials that are no longer good: log in again there'
    : 'see with its provider whether the sidecar is still there';
}

function refusedLogin(facts: Facts): Explanation {
  return {
    message: `${place(facts)} refused the login as ${the(facts, 'user', 'this user')}: ${because(facts, 'no key fits')}${keys(facts)}`,
    hint: list(facts, 'unsupported').some((key) => /certificate|type (sk-|\S+-cert-v0)/.test(key))
      ? otherTransport
      : number(facts, 'attempts') === undefined
        ? 'check the user name, and that ~/.ssh/authorized_keys over there holds one of your public keys'
        : 'the machine has just booted: if it is still being set up, try again in a moment',
  };
}

/** For what only OpenSSH can do. */
const otherTransport =
  'your own `ssh` may do better: add the sidecar again with `--transport openssh`, and see `ssh -v HOST`';

/** Nobody was asked: there was nothing to ask with. */
function noKey(facts: Facts): Explanation {
  return {
    message: `there is no SSH key to log in to ${place(facts)} with as ${the(facts, 'user', 'this user')}${keys(facts)}`,
    hint: 'make one with `ssh-keygen`, start your ssh-agent, or add the sidecar with `--identity FILE`',
  };
}
