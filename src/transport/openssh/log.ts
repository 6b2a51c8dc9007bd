import type { Stage } from '../ssh2/errors.js';

/** A host key as ssh tells of it. That of a certificate is the key which the certificate is about. */
export interface ShownHostKey {
  readonly keyType: string;
  readonly fingerprint: string;
}

/**
 * Who speaks: `ssh`, in its log, or on stderr the `others`. Those are the programs on the way to the server, other ssh
 * among them, and the server before the login. A last word about a connection that was open, ssh says there, too.
 */
export type Speaker = 'ssh' | 'others';

/**
 * What an ssh at LogLevel DEBUG1 has said: how far it has come, and in `words` what is meant for a person.
 *
 * The server can have ssh log any of these lines, even before its host key was looked at, by a message to debug. So nothing
 * here decides whom to trust. What comes of a false line is that a failure is read as another one. Nobody else can: not
 * who is on the way, nor what is said there.
 */
export class SshLog {
  stage: Stage = 'dial';
  /** The first that the server showed. */
  hostKey: ShownHostKey | undefined;
  /** The host key was accepted because an authority of known_hosts has signed for it: only where there is an authority. */
  isVouchedFor = false;
  /** It waits for a signature of an agent, and so perhaps for a person who has to confirm it or to touch a security key. */
  isSigning = false;
  /** The user is logged in, and the control socket is there. */
  isReady = false;
  /** The keys that were offered. */
  readonly tried: string[] = [];
  readonly words: Word[] = [];
  readonly #endMark: string;
  readonly #unfinished = { ssh: '', others: '' };
  readonly #ended: { ssh?: number; others?: number } = {};

  /** `endMark` begins the line that tells of its end: what nobody else can know, least of all the server. */
  constructor(endMark: string) {
    this.#endMark = `${endMark} ended `;
  }

  /** Its exit status, once it has ended and nobody has anything more to say. */
  get endedWith(): number | undefined {
    return this.#ended.others === undefined ? undefined : this.#ended.ssh;
  }

  take(by: Speaker, text: string): void {
    const lines = (this.#unfinished[by] + text).split(/\r?\n/);
    this.#unfinished[by] = (lines.pop() ?? '').slice(0, maxLineLength);
    for (const line of lines) this.#line(by, line);
  }

  #line(by: Speaker, line: string): void {
    const [, note] = /^debug\d: (.*)$/.exec(line) ?? [];
    if (line.startsWith(this.#endMark)) this.#ended[by] = Number(line.slice(this.#endMark.length));
    else if (note === undefined) this.#word(by, line);
    // Another ssh may well be told to debug. How far that has come says nothing of this one.
    else if (by === 'ssh') this.#note(note);
  }

  #word(by: Speaker, line: string): void {
    if (line.trim() === '') return;
    this.words.push({ by, stage: this.stage, line: line.slice(0, maxLineLength) });
    const oldest = this.words.findIndex((word) => word.by === by);
    if (this.words.filter((word) => word.by === by).length > maxWords) this.words.splice(oldest, 1);
  }

  #note(note: string): void {
    this.isSigning = false;
    for (const [pattern, heed] of notes) {
      const found = pattern.exec(note);
      if (found !== null) heed(this, found.groups ?? {});
    }
  }
}

export interface Word {
  readonly by: Speaker;
  readonly stage: Stage;
  readonly line: string;
}

const maxLineLength = 1000;
/** Of each speaker. */
const maxWords = 100;

type Groups = Readonly<Record<string, string | undefined>>;

const notes: readonly (readonly [RegExp, (log: SshLog, groups: Groups) => void])[] = [
  [/^(Connection established\.|Remote protocol version )/, (log) => (log.stage = 'handshake')],
  [
    /^Server host (?:key|certificate): (?<keyType>\S+) (?<fingerprint>SHA256:[^\s,]+)/,
    (log, { keyType = '', fingerprint = '' }) => (log.hostKey ??= { keyType: plainType(keyType), fingerprint }),
  ],
  [/^Host '.*' is known and matches the \S+ host certificate\.$/, (log) => (log.isVouchedFor = true)],
  [/^SSH2_MSG_NEWKEYS received/, (log) => (log.stage = 'auth')],
  [
    /^Offering public key: (?<key>.+?) \S+ SHA256:\S+(?<holder>.*)$/,
    (log, { key = '', holder = '' }) => log.tried.push(/\bagent\b/.test(holder) ? `agent: ${key}` : key),
  ],
  [
    // Of a key in a file, or on a security key of one's own, ssh asks by itself. Before OpenSSH 8 it says not whose key it is.
    /^Server accepts key: (?:.* SHA256:\S+(?<holder>.*)$)?/,
    (log, { holder = 'agent' }) => (log.isSigning = /\bagent\b/.test(holder)),
  ],
  [/^Entering interactive session\./, (log) => (log.isReady = true)],
];

function plainType(type: string): string {
  return type.replace(/-cert-v\d+@openssh\.com$/, '');
}
