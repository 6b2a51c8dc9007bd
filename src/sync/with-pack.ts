import type { Pack } from '../git/pack.js';
import type { Answer } from './answers.js';
import type { Conversation } from './conversation.js';
import { badReply, remoteError, unexpected, words } from './hello.js';
import { waitingLimit } from './limits.js';

/** The far side lacks objects that the pack builds on, or ours lacks some: everything must be sent again. */
export class MissingObjects extends Error {}

/** Somebody's own git may have pruned what a pack is made of, or builds on. */
export function unwritten(cause: unknown): never {
  throw new MissingObjects('the pack could not be written', { cause });
}

/** Sends a request, and the pack that it announces. */
export function askWithPack(
  conversation: Conversation,
  request: string,
  pack: Pack | null,
  onBytes: (bytes: number) => void,
): void {
  conversation.ask(request);
  if (pack === null) return;
  // A pack that cannot be written here must end the wait for an answer that will not come.
  conversation
    .send(pack.stream, onBytes)
    .catch(unwritten)
    .catch((error: unknown) => conversation.abandon(error as Error));
}

/** Takes what every such request may be answered besides what it asks for: that it waits for another one, and errors. */
export class OtherAnswers {
  #waits = 0;

  /** `onWaiting` is told who is in the way, once. */
  constructor(
    private readonly workspace: string,
    private readonly onWaiting: (holder: string) => void,
  ) {}

  /** Throws `MissingObjects`, and what `remoteError` and `unexpected` give, for every answer but that it waits. */
  take(answer: Answer): void {
    const { word, rest } = answer;
    if (word === 'error' && rest.startsWith('import ')) throw new MissingObjects(words(rest.slice('import '.length)));
    if (word === 'error') throw remoteError(rest, this.workspace);
    if (word !== 'waiting') throw unexpected(answer);
    this.#waits += 1;
    if (this.#waits > waitingLimit) throw badReply('that it waits, without end');
    if (this.#waits === 1) this.onWaiting(words(rest.slice(rest.indexOf(' ') + 1)));
  }
}
