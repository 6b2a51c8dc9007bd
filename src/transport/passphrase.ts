import type { ParsedKey } from 'ssh2';
import { SidecarError } from '../errors.js';
import { decryptKey } from './private-key.js';

/**
 * Asks the user for the passphrase of a key file; `retry` says that the last answer was wrong. Undefined or empty: the
 * user gives none.
 */
export type AskPassphrase = (path: string, retry: boolean) => Promise<string | undefined>;

/** Why a key file cannot be used. */
export type KeyFailure =
  /** It is encrypted, and nobody gave a passphrase. */
  | { readonly kind: 'locked'; readonly path: string }
  | { readonly kind: 'unusable'; readonly path: string; readonly reason: string };

export type Unlocked = { readonly kind: 'key'; readonly key: ParsedKey } | KeyFailure;

/** As ssh: its NumberOfPasswordPrompts. */
const maxQuestions = 3;

/**
 * A function that decrypts a key file the first time it is called, and from then on gives the same answer, a refusal
 * included, without asking again.
 */
export function unlocker(file: LockedFile): () => Promise<Unlocked> {
  let unlocked: Promise<Unlocked> | undefined;
  return () => (unlocked ??= unlock(file));
}

export interface LockedFile {
  readonly path: string;
  /** What the file holds. */
  readonly text: string;
  readonly ask: AskPassphrase;
}

async function unlock({ path, text, ask }: LockedFile): Promise<Unlocked> {
  for (let question = 1; question <= maxQuestions; question++) {
    const passphrase = await ask(path, question > 1);
    if (passphrase === undefined || passphrase === '') return { kind: 'locked', path };
    const key = decryptKey(text, passphrase);
    if (key !== undefined) return { kind: 'key', key };
  }
  return { kind: 'unusable', path, reason: `the passphrase was wrong ${String(maxQuestions)} times` };
}

/** `ssh.passphrase_needed` or `ssh.key_unusable`. */
export function failureOf(failure: KeyFailure): SidecarError {
  const { kind, ...facts } = failure;
  const code = kind === 'locked' ? 'ssh.passphrase_needed' : 'ssh.key_unusable';
  return new SidecarError(code, { ...facts, file: facts.path }, { retryable: false });
}
