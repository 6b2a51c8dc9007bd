import type { Stage } from '../ssh2/errors.js';

/** A host key as ssh tells of it. That of a certificate is the key which the certificate is about. */
export interface ShownHostKey {
  readonly keyType: string;
  readonly fingerprint: string;
}

/**
 * What an ssh at LogLevel DEBUG1 has said on its stderr: how far it has come, and in `words` what is meant for a person.
 *
 * The server can have ssh print any of these lines, even before its host key was looked at: a message to debug, a banner.
 * So nothing here decides whom to trust. What comes of a false line is that a failure is read as another one.
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
  /** Its exit status, once it has ended and there is nothing more to be said. */
  endedWith: number | undefined;
  readonly #endMark: string;
  #unfinished = '';

  /** `endMark` begins the line that tells of its end: what nobody else can know, least of all the server. */
  constructor(endMark: string) {
    this.#endMark = `${endMark} ended `;
  }

  take(text: string): void {
    const lines = (this.#unfinished + text).split(/\r?\n/);
    this.#unfinished = (lines.pop() ?? '').slice(0, maxLineLength);
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const [, note] = /^debug\d: (.*)$/.exec(line) ?? [];
    if (line.startsWith(this.#endMark)) this.endedWith = Number(line.slice(this.#endMark.length));
    else if (note !== undefined) this.#note(note);
    else if (line.trim() !== '') {
      this.words.push({ stage: this.stage, line: line.slice(0, maxLineLength) });
      if (this.words.length > maxWords) this.words.shift();
    }
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
  readonly stage: Stage;
  readonly line: string;
}

const maxLineLength = 1000;
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
