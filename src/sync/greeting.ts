import type { Clock } from '../clock.js';
import type { ObjectFormat } from '../git/working-tree.js';
import type { Transport } from '../transport/transport.js';
import { Conversation } from './conversation.js';
import { hello, type Hello } from './hello.js';
import type { Subject } from './remote-script.js';

/** Which workspace a greeting is about, and in which format its objects are to be named. */
export interface Asked {
  readonly format: ObjectFormat;
  /** As `workspacePath` gives it. */
  readonly workspace: string;
}

/** A conversation on which the far half has said hello and waits, and what stands there, as it said then. */
export interface Greeting {
  readonly conversation: Conversation;
  readonly there: Hello;
}

/**
 * Begins a conversation and has the far half say hello, and look round at once where the sync is under way already.
 * Throws what `Conversation.start` and `hello` throw.
 */
export async function greet(
  transport: Transport,
  asked: Asked,
  options: {
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly syncing: boolean;
    /** Default: a sync. */
    readonly subject?: Subject;
  },
): Promise<Greeting> {
  const { signal, clock, syncing, subject } = options;
  const conversation = await Conversation.start(transport, signal, clock, subject);
  try {
    const answer = hello(conversation, asked);
    if (syncing) conversation.ask('scan');
    return { conversation, there: await answer };
  } catch (error) {
    await conversation.close();
    throw error;
  }
}
