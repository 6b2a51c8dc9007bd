import type { BaseAgent, ParsedKey } from 'ssh2';
import { listAgentKeys, type AgentKey, type AgentKeys } from './agent-keys.js';
import { agentLimits, type AgentLimits } from './agent-limits.js';
import { readIdentityFile, type IdentityFile } from './identity-file.js';
import { OneKeyAgent, type Sign, type SignatureHash } from './one-key-agent.js';
import { failureOf, unlocker, type AskPassphrase, type KeyFailure } from './passphrase.js';
import { fingerprint } from './public-key.js';
import type { SshTarget } from './target.js';

/** One key to offer to the server. */
export interface IdentityAttempt {
  /** For messages: the file, or `agent: ` and the agent's comment. */
  readonly description: string;
  readonly fingerprint: string;
  /** Holds exactly this key. An encrypted one is decrypted only when the server asked for a signature. */
  readonly agent: BaseAgent;
}

/** The user's keys, in the order to offer them. Decrypted keys are remembered in here: keep it across attempts. */
export interface Identities {
  readonly attempts: readonly IdentityAttempt[];
  /** Encrypted keys passed over because nobody gave a passphrase. */
  readonly lockedFiles: readonly string[];
  /** Other keys passed over, each with the reason, so that a refused login can name them. */
  readonly unsupported: readonly string[];
}

/**
 * Collects the keys for a login: those of `identityFiles` that the agent holds, the other identity files, and unless
 * `identitiesOnly` whatever else the agent holds. No key twice.
 *
 * What cannot be used is passed over, unless nothing is left of an `identitiesOnly`: then it throws
 * `ssh.passphrase_needed` for an encrypted key with nobody to ask, or `ssh.key_unusable` with the reason.
 *
 * The one passphrase asked for right here is that of an encrypted PEM file without a `.pub` file next to it, which
 * does not even tell its public half without.
 */
export async function loadIdentities(options: {
  readonly target: SshTarget;
  /** Absent: there is nobody to ask. */
  readonly askPassphrase?: AskPassphrase | undefined;
  readonly limits?: AgentLimits;
}): Promise<Identities> {
  const { target, askPassphrase, limits = agentLimits } = options;
  const [agent, files] = await Promise.all([
    target.agentSocket === undefined ? noAgent : listAgentKeys(target.agentSocket, limits),
    Promise.all(target.identityFiles.map(readIdentityFile)),
  ]);
  const inAgent = ({ publicKey }: IdentityFile): AgentKey[] =>
    agent.keys.filter(({ key }) => publicKey?.getPublicSSH().equals(key.getPublicSSH()));

  const outcomes: Outcome[] = files.flatMap(inAgent).map(offerFromAgent);
  for (const file of files) {
    // One after the other: this may put a question to the user.
    if (inAgent(file).length === 0) outcomes.push(await offerFromFile(file, askPassphrase));
  }
  if (!target.identitiesOnly) outcomes.push(...agent.keys.map(offerFromAgent));

  const attempts = distinct(outcomes.flatMap((outcome) => (outcome.kind === 'offer' ? outcome.attempt : [])));
  const failures = outcomes.filter((outcome) => outcome.kind !== 'offer');
  const failure = failures.find(({ kind }) => kind === 'locked') ?? failures[0];
  if (target.identitiesOnly && attempts.length === 0 && failure !== undefined) throw failureOf(failure);
  return {
    attempts,
    lockedFiles: failures.flatMap((failed) => (failed.kind === 'locked' ? failed.path : [])),
    unsupported: distinctWords([
      ...failures.flatMap((failed) => (failed.kind === 'unusable' ? `${failed.path} (${failed.reason})` : [])),
      ...files.flatMap(({ path, hasCertificate }) => (hasCertificate ? `${path}-cert.pub (a certificate)` : [])),
      ...(target.certificateFiles ?? []).map((path) => `${path} (a certificate)`),
      ...agent.passedOver,
    ]),
  };
}

const noAgent: AgentKeys = { keys: [], passedOver: [], foreign: [] };

type Outcome = { readonly kind: 'offer'; readonly attempt: IdentityAttempt } | KeyFailure;

function offerFromAgent({ key, comment, sign }: AgentKey): Outcome {
  return offer(`agent: ${comment}`, key, sign);
}

async function offerFromFile(
  { path, publicKey, secret }: IdentityFile,
  askPassphrase: AskPassphrase | undefined,
): Promise<Outcome> {
  if (secret.kind === 'unusable') return { ...secret, path };
  if (secret.kind === 'ready') return offer(path, secret.key, (data, hash) => signWith(secret.key, data, hash));
  if (askPassphrase === undefined) return { kind: 'locked', path };

  const unlock = unlocker({ path, text: secret.text, ask: askPassphrase });
  const unlocked = publicKey === undefined ? await unlock() : { kind: 'key' as const, key: publicKey };
  if (unlocked.kind !== 'key') return unlocked;
  const offered = unlocked.key.getPublicSSH();
  return offer(path, unlocked.key, async (data, hash) => {
    const own = await unlock();
    if (own.kind !== 'key') throw failureOf(own);
    // The public half came from the file next to it, which may be left over from an older key.
    if (!own.key.getPublicSSH().equals(offered)) {
      throw failureOf({ kind: 'unusable', path, reason: `${path}.pub belongs to another key` });
    }
    return signWith(own.key, data, hash);
  });
}

function offer(description: string, key: ParsedKey, sign: Sign): Outcome {
  const agent = new OneKeyAgent(key, sign);
  return { kind: 'offer', attempt: { description, fingerprint: fingerprint(key.getPublicSSH()), agent } };
}

/** ssh2 returns its error where its types promise a signature. */
function signWith(key: ParsedKey, data: Buffer, hash: SignatureHash | undefined): Buffer {
  const signature = key.sign(data, hash) as Buffer | Error;
  if (signature instanceof Error) throw signature;
  return signature;
}

/** A certificate may be named twice: beside its key, and by itself. */
function distinctWords(words: readonly string[]): string[] {
  return [...new Set(words)];
}

function distinct(attempts: readonly IdentityAttempt[]): IdentityAttempt[] {
  const seen = new Set<string>();
  return attempts.filter((attempt) => !seen.has(attempt.fingerprint) && seen.add(attempt.fingerprint));
}
