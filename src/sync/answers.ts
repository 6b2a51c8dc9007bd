import type { Readable } from 'node:stream';
import { SidecarError } from '../errors.js';
import { answerLimit, printLimit } from './limits.js';

/** One line of an answer: its first word, and the rest as bytes (latin1). */
export interface Answer {
  readonly word: string;
  readonly rest: string;
}

/**
 * The answers in what the far side prints: what follows `prefix`, to the end of its line. Everything else is noise, such
 * as a start file prints, with or without a newline at its end.
 *
 * Throws `sync.bad_reply` where noise or an answer go beyond their limits.
 */
export async function* readAnswers(stdout: Readable, prefix: string): AsyncGenerator<Answer, void> {
  let pending = '';
  let noise = 0;
  const overhear = (characters: number): void => {
    noise += characters;
    if (noise > printLimit) throw endless();
  };
  for await (const chunk of stdout) {
    pending += (chunk as Buffer).toString('latin1');
    let start = 0;
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n', start)) {
      const line = pending.slice(start, end);
      start = end + 1;
      const at = line.indexOf(prefix);
      overhear(at < 0 ? line.length + 1 : at);
      if (at >= 0) yield parse(line.slice(at + prefix.length));
    }
    pending = pending.slice(start);
    // The beginning of a line that is still to end: what cannot be part of an answer is not kept.
    const at = pending.indexOf(prefix);
    const idle = at < 0 ? Math.max(0, pending.length - prefix.length + 1) : at;
    overhear(idle);
    pending = pending.slice(idle);
    if (pending.length > prefix.length + answerLimit) throw endless();
  }
}

function parse(answer: string): Answer {
  if (answer.length > answerLimit) throw endless();
  const space = answer.indexOf(' ');
  return space < 0 ? { word: answer, rest: '' } : { word: answer.slice(0, space), rest: answer.slice(space + 1) };
}

export function endless(): SidecarError {
  return new SidecarError('sync.bad_reply', { reason: 'the sidecar prints without end' });
}
