import { join } from 'node:path';
import type { SshTarget } from '../target.js';

/** How often ssh asks for a passphrase. */
export const maxQuestions = 3;

export interface MasterArguments {
  readonly target: SshTarget;
  readonly directory: string;
  readonly isStrict: boolean;
  readonly canAsk: boolean;
  readonly keepaliveMs: number;
  /** The socket of the agent that commands over there may use. Absent: none. */
  readonly forwardAgent?: string | undefined;
}

/** The socket on which the master takes others onto its connection. */
export const controlSocket = (directory: string): string => join(directory, 'c');

/** Where ssh writes its log: to a pipe, which no ssh that it starts knows of. */
export const logPipe = (directory: string): string => join(directory, 'log');

export const knownHostsFile = (directory: string): string => join(directory, 'known_hosts');

/** How ssh is started as a master: to the user's host by the user's configuration, but for what is decided here. */
export function masterArguments(options: MasterArguments): string[] {
  const { target, directory, isStrict, canAsk, keepaliveMs, forwardAgent } = options;
  const settings: Readonly<Record<string, string>> = {
    ControlPath: path(controlSocket(directory)),
    ControlPersist: 'no',
    LogLevel: 'DEBUG1',
    // Trust is ours to decide, see known-hosts-file.ts: nothing that the user's configuration says may widen it.
    UserKnownHostsFile: path(knownHostsFile(directory)),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: isStrict ? 'yes' : 'accept-new',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    VerifyHostKeyDNS: 'no',
    HashKnownHosts: 'no',
    NoHostAuthenticationForLocalhost: 'no',
    // Only what can be asked for by a passphrase or a PIN: nobody could answer anything else.
    BatchMode: canAsk ? 'no' : 'yes',
    NumberOfPasswordPrompts: String(maxQuestions),
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    // Attempts are counted and limited by who asks for them.
    ConnectionAttempts: '1',
    ServerAliveInterval: String(Math.max(1, Math.round(keepaliveMs / 1000))),
    ServerAliveCountMax: '3',
    // What the user wants of a shell there is not for a connection on which others open channels.
    ClearAllForwardings: 'yes',
    ExitOnForwardFailure: 'no',
    ForwardAgent: forwardAgent === undefined ? 'no' : path(forwardAgent),
    ForwardX11: 'no',
    Tunnel: 'no',
    RemoteCommand: 'none',
    RequestTTY: 'no',
    PermitLocalCommand: 'no',
  };
  return [
    ...['-M', '-N', '-T'],
    ...['-E', logPipe(directory)],
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(target.openssh?.arguments ?? []),
  ];
}

/** A path as ssh reads it in an option: in words, with `%` tokens. */
function path(name: string): string {
  return `"${name.replaceAll('%', '%%')}"`;
}
