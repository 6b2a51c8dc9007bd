import { SidecarError } from '../errors.js';
import { runGit, type GitPlace } from '../git/run.js';
import { splitNul, toText } from '../git/path-bytes.js';

/**
 * Options that keep git from running filters that the repository itself configures: whoever made it may have named any
 * program. Those of the user's own configuration stay.
 *
 * Throws `git.failed` for a filter whose name no option can hold.
 */
export async function localFilters(place: GitPlace): Promise<string[]> {
  const args = ['config', '--show-scope', '-z', '--get-regexp', '^filter\\.'];
  const { stdout } = await runGit(place, args, { accept: [0, 1] });
  const fields = splitNul(stdout);
  const names = new Set<string>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope, setting = ''] = [fields[at], fields[at + 1]];
    if (scope === 'global' || scope === 'system') continue;
    names.add(/^filter\.(.*)\.[^.\n]*(\n|$)/s.exec(setting)?.[1] ?? setting);
  }
  return [...names].flatMap((name) => {
    if (!/^[\w.-]+$/.test(name)) {
      throw new SidecarError('git.failed', {
        command: 'config',
        reason: `the repository configures a filter of an odd name: ${toText(name)}`,
      });
    }
    return ['-c', `filter.${name}.clean=`, '-c', `filter.${name}.process=`, '-c', `filter.${name}.required=false`];
  });
}
