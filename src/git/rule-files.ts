import path from 'node:path';
import { readingOnly, type Environment } from './environment.js';
import { runGit, type GitPlace } from './run.js';

/**
 * Every file, there or not, by which git knows what a repository lists: its index, its ignore rules, and the settings that
 * name these. Undefined where that cannot be told.
 */
export async function ruleFiles(place: GitPlace): Promise<string[] | undefined> {
  const asked = ['index', 'HEAD', 'info/exclude', 'config', 'config.worktree', 'commondir'];
  const ofGit = await runGit(place, ['rev-parse', ...asked.flatMap((name) => ['--git-path', name])]);
  const settings = await settingsFiles(place);
  const excludes = await runGit(place, ['config', '-z', '--type=path', '--get', 'core.excludesFile'], {
    accept: [0, 1],
  });
  const files = textLines(ofGit.stdout);
  if (files?.length !== asked.length || settings === undefined) return undefined;
  const own = excludes.stdout.toString('utf8').replace(/\0$/, '');
  const all = [...files, ...settings, ...(own === '' ? [] : [own])];
  return [path.join(place.cwd, '.git'), ...all.map((file) => path.resolve(place.cwd, file))];
}

/** Where the user's own settings and ignore rules are, for any repository and for none. */
export async function usersRuleFiles(
  root: string,
  env: Environment,
  excludesFile: string | undefined,
): Promise<string[] | undefined> {
  const home = env['HOME'];
  if (home === undefined || home === '') return undefined;
  const xdg = env['XDG_CONFIG_HOME'];
  const config = xdg === undefined || xdg === '' ? path.join(home, '.config') : xdg;
  const system = await systemSettings({ cwd: root, env: readingOnly(env) });
  if (system === undefined) return undefined;
  const files = [path.join(home, '.gitconfig'), path.join(config, 'git', 'config'), path.join(config, 'git', 'ignore')];
  return [system, ...files, ...(excludesFile === undefined ? [] : [excludesFile])];
}

/** git names the file also when there is none. */
async function systemSettings(place: GitPlace): Promise<string | undefined> {
  const args = ['config', '--system', '-z', '--show-origin', '--list'];
  const { stdout, stderr } = await runGit(place, args, { accept: [0, 1, 128] });
  const origin = /^file:([^\0]+)\0/.exec(stdout.toString('utf8')) ?? /config file '(.*)': /.exec(stderr);
  return origin?.[1] !== undefined && path.isAbsolute(origin[1]) ? origin[1] : undefined;
}

/** The files that settings are read from, and those that they include, also where there is no such file yet. */
async function settingsFiles(place: GitPlace): Promise<string[] | undefined> {
  const { stdout } = await runGit(place, ['config', '-z', '--show-origin', '--list']);
  const parts = stdout.toString('utf8').split('\0').slice(0, -1);
  const files = new Set<string>();
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [origin = '', setting = ''] = parts.slice(at, at + 2);
    if (!origin.startsWith('file:')) continue; // our own
    const file = path.resolve(place.cwd, origin.slice('file:'.length));
    files.add(file);
    const included = /^include(?:if\..*)?\.path\n(.*)$/s.exec(setting)?.[1];
    if (included === undefined) continue;
    const found = whereIncluded(included, file, place);
    if (found === undefined) return undefined;
    files.add(found);
  }
  return [...files].some((file) => file.includes('\ufffd')) ? undefined : [...files];
}

function whereIncluded(included: string, from: string, { env }: GitPlace): string | undefined {
  if (included.startsWith('~/')) return path.join(env['HOME'] ?? '/', included.slice(2));
  if (/^(~|%\()/.test(included)) return undefined; // somebody else's home, or where git is installed
  return path.resolve(path.dirname(from), included);
}

function textLines(output: Buffer): string[] | undefined {
  const text = output.toString('utf8');
  return text.includes('\ufffd') ? undefined : text.split('\n').slice(0, -1);
}
