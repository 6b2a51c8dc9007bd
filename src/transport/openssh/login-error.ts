import { SidecarError } from '../../errors.js';
import type { Identities } from '../identities.js';
import type { SshTarget } from '../target.js';
import { maxQuestions } from './arguments.js';
import type { AskPass } from './ask.js';
import { bannerIn } from './errors.js';
import type { SshLog } from './log.js';

interface LoginSeen {
  readonly log: SshLog;
  readonly asking: Pick<AskPass, 'asked' | 'environment'>;
  readonly canAsk: boolean;
}

/** The most telling of the reasons why the server lets nobody in. */
export async function loginError(target: SshTarget, { log, asking, canAsk }: LoginSeen): Promise<SidecarError> {
  const { host, port, user } = target;
  const facts = { host, port, user, tried: log.tried, untried: 0 };
  for (const { what: path, times, isAnswered } of asking.asked) {
    if (!isAnswered) return locked(path, facts);
    if (times < maxQuestions) continue;
    const reason = `the passphrase was wrong ${maxQuestions} times`;
    return new SidecarError('ssh.key_unusable', { path, reason, file: path }, { retryable: false });
  }
  const [path] = canAsk ? [] : await lockedFiles(target);
  if (path !== undefined) return asking.environment === undefined ? unaskable(path) : locked(path, facts);
  const unusable = unusableKey(log);
  if (unusable !== undefined && log.tried.length === 0) return unusable;

  const banner = bannerIn(log);
  return new SidecarError(
    'ssh.auth_refused',
    {
      ...facts,
      unsupported: [],
      reason: log.tried.length === 0 ? 'there is no key to offer' : 'the server refused every key',
      ...(banner === '' ? {} : { banner }),
    },
    { retryable: false },
  );
}

function locked(path: string, facts: SidecarError['facts']): SidecarError {
  return new SidecarError('ssh.passphrase_needed', { ...facts, path, file: path }, { retryable: false });
}

function unaskable(path: string): SidecarError {
  const reason =
    'ssh cannot ask for its passphrase: no program can be run from the package of sidecar, nor from the directory for temporary files';
  return new SidecarError('ssh.key_unusable', { path, reason, file: path }, { retryable: false });
}

/** ssh, where it may ask nobody, says nothing of the keys that it passed over. */
async function lockedFiles(target: SshTarget): Promise<readonly string[]> {
  const { loadIdentities } = await import('../identities.js');
  const none: Pick<Identities, 'lockedFiles'> = { lockedFiles: [] };
  // That none is left is not for here to say: ssh uses keys that this does not know.
  const { lockedFiles } = await loadIdentities({ target: { ...target, identitiesOnly: false } }).catch(() => none);
  return lockedFiles;
}

function unusableKey(log: SshLog): SidecarError | undefined {
  for (const { by, line } of log.words) {
    if (by !== 'ssh') continue;
    const [, path, reason] = /^Load key "(.+)": (.+)$/.exec(line) ?? [];
    if (path === undefined || reason === undefined) continue;
    return new SidecarError('ssh.key_unusable', { path, reason, file: path }, { retryable: false });
  }
  return undefined;
}
