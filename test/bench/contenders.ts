import path from 'node:path';
import type { Bed } from './bed.js';
import type { Project } from './project.js';
import { run } from './run.js';

/** A way to bring a working tree to a machine. To add one: write it below, and name it in `contenders`. */
export interface Contender {
  readonly name: string;
  /** Gets ready to sync into an empty workspace. Nothing that a user does before each sync belongs here. */
  begin(bed: Bed, project: Project, signal: AbortSignal): Promise<Syncing>;
}

/** A contender in one round. */
export interface Syncing {
  /** The directory, on the machine, that the tree comes to stand in. */
  readonly workspace: string;
  /** Syncs once, as a user would, until the command has ended. */
  sync(): Promise<Timing>;
}

export interface Timing {
  /** From the start of the command to its end. */
  readonly wallMs: number;
  readonly sentBytes?: number;
  /** Where the time went, as the command itself says. Parts may overlap. */
  readonly partsMs?: Readonly<Record<string, number>>;
}

/** What is read of `sync --json`. */
interface SyncDocument {
  readonly workspace: string;
  readonly verified: boolean;
  readonly sentBytes: number;
  readonly ms: Readonly<Record<'total' | 'snapshot' | 'connect' | 'transfer' | 'apply', number>>;
}

/** The built program: a new process, connection and state directory of its own. */
const sidecarSync: Contender = {
  name: 'sidecar sync',
  async begin(bed, project, signal) {
    const { sshd, key, farHome } = bed;
    const workspace = path.join(farHome, 'sidecar-workspace');
    const env = { ...bed.env, SIDECAR_HOME: await bed.directory('state') };
    const sidecar = (...args: string[]) =>
      run(process.execPath, [program, ...args], { cwd: project.root, env, signal });
    const login = ['--identity', key.path, '--host-key', sshd.hostKeyLine];
    await sidecar('add', 'bench', `${sshd.user}@${sshd.host}:${sshd.port}`, ...login, '--workdir', workspace);
    return {
      workspace,
      async sync() {
        const { stdout, wallMs } = await sidecar('sync', '--json');
        const { verified, sentBytes, ms, ...said } = JSON.parse(stdout) as SyncDocument;
        if (!verified || said.workspace !== workspace) throw new Error(`sync did something else:\n${stdout}`);
        const { total, ...parts } = ms;
        return {
          wallMs,
          sentBytes,
          partsMs: { 'start and end of the process': wallMs - total, sync: total, ...parts },
        };
      },
    };
  },
};

/** `rsync -a --delete` over a connection of its own. The repository itself stays here, as it does with sidecar. */
const rsyncOverSsh: Contender = {
  name: 'rsync',
  begin(bed, project, signal) {
    const { sshd, farHome, env } = bed;
    const shell = ['ssh', ...sshOptions(bed)].map((word) => `'${word}'`).join(' ');
    const args = ['-a', '--delete', '--exclude=/.git', '-e', shell, './', `${sshd.user}@${sshd.host}:rsync-workspace/`];
    return Promise.resolve({
      workspace: path.join(farHome, 'rsync-workspace'),
      sync: () => run('rsync', args, { cwd: project.root, env, signal }),
    });
  },
};

/** The first is ours, the others are what it is compared with. */
export const contenders: readonly [ours: Contender, ...others: Contender[]] = [sidecarSync, rsyncOverSsh];

/** `npm run` starts everything at the root of the package. */
export const program = path.resolve('dist/cmd/sidecar.js');

/** Nothing of this user's own ssh configuration, no key but the one, no shared connection. */
function sshOptions({ sshd, key, knownHosts }: Bed): string[] {
  const options = ['IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHosts}`];
  const words = [...options, 'ControlPath=none'].flatMap((option) => ['-o', option]);
  return ['-F', 'none', '-p', String(sshd.port), '-i', key.path, ...words];
}
