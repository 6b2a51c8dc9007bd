import type { Emit } from '../events.js';
import type { Answer } from '../sync/answers.js';
import type { Conversation } from '../sync/conversation.js';
import { OtherAnswers } from '../sync/with-pack.js';

/** Whom it is about, and who hears of a wait. */
export interface About {
  readonly workspace: string;
  readonly emit: Emit;
}

/**
 * Hears the answers to one request, up to the one called `last`, each handed to the one who heeds its word. Tells of
 * a landing that has to be waited for, once.
 *
 * Throws `sync.bad_reply` for a word that nobody heeds, what an error says, and `MissingObjects`.
 */
export async function hear(
  conversation: Conversation,
  { workspace, emit }: About,
  heeds: Readonly<Record<string, (answer: Answer) => void>>,
  last = 'end',
): Promise<Answer> {
  const others = new OtherAnswers(workspace, (holder) => emit({ kind: 'sync.waiting', holder }));
  for (;;) {
    const answer = await conversation.answer();
    const { word } = answer;
    if (word === last) return answer;
    const heed = Object.hasOwn(heeds, word) ? heeds[word] : undefined;
    if (heed === undefined) others.take(answer);
    else heed(answer);
  }
}
