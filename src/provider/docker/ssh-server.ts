import { createTar, type TarFileInput } from 'nanotar';
import { shellWord } from '../../transport/shell-word.js';
import type { MachineSpec } from '../provider.js';

/** Not below /run, where a file system of its own may hide it. */
const directory = '/etc/sidecar';

export const sshServer = {
  config: `${directory}/sshd_config`,
  authorizedKeys: `${directory}/authorized_keys`,
  /** In the container. */
  port: 22,
} as const;

/** The name of the account that logs in, where no label of the container has it. */
export const loginFile = `${directory}/login`;

/** A tar of that file, for the root of a container. */
export function loginName(name: string): Uint8Array {
  return tarOf([{ name: loginFile, data: `${name}\n`, attrs: { mode: '644' } }]);
}

/** sshd sets these by the account, and of the terminal. */
export const ofSession = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'PWD', 'OLDPWD', 'SHLVL', 'MAIL'];

/**
 * The files of the SSH server of a container, as a tar for its root: its host key, who may log in, and how it serves.
 * `environment` is that of the container, which sshd would keep from its sessions.
 */
export function sshServerFiles(
  { hostKey, authorizedKeys }: Pick<MachineSpec, 'hostKey' | 'authorizedKeys'>,
  environment: readonly string[],
): Uint8Array {
  const own = environment.filter((each) => !ofSession.includes(nameOf(each)));
  const path = own.find((each) => nameOf(each) === 'PATH')?.slice('PATH='.length);
  const files: TarFileInput[] = [
    { name: `${directory}/`, attrs: { mode: '755' } },
    { name: `${directory}/host_key`, data: hostKey.privateKey, attrs: { mode: '600' } },
    { name: `${directory}/host_key.pub`, data: `${hostKey.publicKey}\n`, attrs: { mode: '644' } },
    // Read as the user that logs in.
    { name: sshServer.authorizedKeys, data: lines(authorizedKeys), attrs: { mode: '644' } },
    // It holds the environment, which may be secret.
    { name: sshServer.config, data: lines(configLines(own)), attrs: { mode: '600' } },
    // What /etc/profile sets in a login shell leaves nothing of the image's PATH.
    ...(path === undefined
      ? []
      : [
          { name: '/etc/profile.d/sidecar.sh', data: `PATH=${shellWord(path)}\nexport PATH\n`, attrs: { mode: '644' } },
        ]),
  ];
  return tarOf(files);
}

/** All of it is root's. */
function tarOf(files: readonly TarFileInput[]): Uint8Array {
  const relative = files.map((file) => ({ ...file, name: file.name.slice(1) }));
  return createTar(relative, { attrs: { uid: 0, gid: 0 } });
}

/** Its configuration. `environment` is what its sessions are to have. */
export function configLines(environment: readonly string[]): string[] {
  // Of several SetEnv, sshd obeys the first. It knows no way to write a line break.
  const set = environment.filter((each) => !/[\r\n]/.test(each)).map(quoted);
  return [
    `HostKey ${directory}/host_key`,
    `AuthorizedKeysFile ${sshServer.authorizedKeys}`,
    `Port ${sshServer.port}`,
    'PidFile none',
    // The image says who owns what; nothing here depends on it.
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PrintMotd no',
    'PrintLastLog no',
    'AcceptEnv *',
    'AllowAgentForwarding yes',
    'AllowTcpForwarding yes',
    'AllowStreamLocalForwarding yes',
    'MaxSessions 100',
    'MaxStartups 100',
    // A client that is gone without a word leaves nothing behind.
    'ClientAliveInterval 60',
    'ClientAliveCountMax 3',
    'Subsystem sftp internal-sftp',
    ...(set.length === 0 ? [] : [`SetEnv ${set.join(' ')}`]),
  ];
}

/** The quotes around the whole: older servers know them only there. */
function quoted(variable: string): string {
  return `"${variable.replaceAll(/[\\"]/g, '\\$&')}"`;
}

function nameOf(variable: string): string {
  return variable.split('=', 1)[0] ?? '';
}

/** A text of these lines. */
export function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
