import type { Contender, Start, Syncing } from '../contender.js';
import { sshWords, startMaster } from './ssh.js';

/** A connection for each sync. */
export const rsync: Contender = {
  name: 'rsync',
  comparedWith: 'sidecar',
  needs: ['rsync', 'ssh'],
  begin: (start) => Promise.resolve({ command: commandFor(start, sshWords(start, 'own')) }),
};

/** Over ssh's ControlMaster: a connection that stands before the first sync begins. */
export const rsyncMaster: Contender = {
  name: 'rsync-master',
  comparedWith: 'sidecar-warm',
  needs: ['rsync', 'ssh'],
  async begin(start) {
    const master = await startMaster(start);
    return {
      command: commandFor(start, sshWords(start, 'shared')),
      residents: () => Promise.resolve([master.pid]),
      stop: () => master.stop(),
    };
  },
};

/** The repository itself stays here, as it does with sidecar. */
function commandFor({ bed, host, workspace }: Start, shell: readonly string[]): Syncing['command'] {
  const to = `${bed.sshd.user}@${host}:${workspace}/`;
  return { program: 'rsync', args: ['-az', '--delete', '--exclude=/.git', '-e', shell.join(' '), './', to] };
}
