import type { Contender } from '../contender.js';
import { sshWords } from './ssh.js';

/** As it is used to mirror in one direction without questions; it keeps its archives on both sides. */
export const unison: Contender = {
  name: 'unison',
  comparedWith: 'sidecar',
  needs: ['unison', 'ssh'],
  begin(start) {
    const { bed, project, host, workspace, keep } = start;
    const [, ...words] = sshWords(start, 'own');
    const roots = [project.root, `ssh://${bed.sshd.user}@${host}/${workspace}`];
    const quiet = ['-ui', 'text', '-batch', '-silent', '-log=false', '-confirmbigdel=false'];
    return Promise.resolve({
      command: {
        program: 'unison',
        args: [...roots, ...quiet, '-force', project.root, '-ignore', 'Path .git', '-sshargs', words.join(' ')],
        env: { ...bed.env, UNISON: keep },
      },
    });
  },
};
