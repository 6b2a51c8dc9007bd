import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { SidecarError } from '../errors.js';
import { isOlder, localGitFloor, localGitVersion } from '../git/version.js';
import { dumpSshConfig } from '../transport/ssh-config.js';
import { failed, ok, warning, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';

/** The programs on this machine: Node, git, and the ssh that is asked what `~/.ssh/config` says. */
export function programChecks(patient: Patient, limit: Limit): readonly Check[] {
  return [
    { id: 'node', run: () => Promise.resolve(ok('node.runs', { version: process.versions.node })) },
    { id: 'git', run: () => limit(checkGit(patient)) },
    { id: 'ssh', run: () => limit(checkSsh(patient)) },
  ];
}

async function checkGit({ directory, env, signal }: Patient): Promise<Verdict> {
  const version = await localGitVersion(directory, { env, signal });
  if (version === undefined) return warning('git.unnumbered', {});
  if (!isOlder(version, localGitFloor)) return ok('git.runs', { version });
  throw new SidecarError('git.too_old', { version, floor: localGitFloor });
}

/** Without one, only what `~/.ssh/config` says is missed. */
async function checkSsh({ env, homeDir, signal }: Patient): Promise<Verdict> {
  const [dump, version] = await Promise.all([
    dumpSshConfig({ host: 'localhost', env, homeDir, signal }),
    sshVersion(env),
  ]);
  switch (dump.kind) {
    case 'options':
      return ok('ssh.runs', { version: version ?? 'ssh' });
    case 'failed':
      return failed('ssh.config_broken', { reason: dump.reason });
    case 'no-ssh': {
      const file = path.join(homeDir, '.ssh', 'config');
      const config = await access(file).then(
        () => true,
        () => false,
      );
      return config ? warning('ssh.absent', { config }) : ok('ssh.absent', { config });
    }
  }
}

/** `OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.11`, which it prints on stderr, up to the comma. */
function sshVersion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile('ssh', ['-V'], { env }, (_error, _stdout, stderr) => resolve(/^[^,\n]+/.exec(stderr)?.[0]));
    child.stdin?.end();
  });
}
