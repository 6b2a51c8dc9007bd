import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import { classify } from '../../src/retry/classify.js';

const retryable = (cause?: unknown): SidecarError =>
  new SidecarError('ssh.unreachable', {}, { retryable: true, cause });
const permanent = (cause?: unknown): SidecarError =>
  new SidecarError('ssh.auth_refused', {}, { retryable: false, cause });
const wrap = (cause: unknown): Error => new Error('wrapped', { cause });

/** An error whose chain of causes leads back to itself. */
function cycle(): Error {
  const first: Error & { cause?: unknown } = new Error('first');
  first.cause = wrap(first);
  return first;
}

const cases: [title: string, error: unknown, verdict: 'retry' | 'fail' | 'unknown'][] = [
  ['a retryable error', retryable(), 'retry'],
  ['a permanent error', permanent(), 'fail'],
  ['an error that does not say', new Error('?'), 'unknown'],
  ['something that is no error', 'text', 'unknown'],
  ['undefined', undefined, 'unknown'],
  ['null', null, 'unknown'],
  ['a retryable cause, three levels down', wrap(wrap(wrap(retryable()))), 'retry'],
  ['a permanent cause, three levels down', wrap(wrap(wrap(permanent()))), 'fail'],
  ['a permanent cause under a retryable error', retryable(permanent()), 'fail'],
  ['a retryable cause under a permanent error', permanent(retryable()), 'fail'],
  [
    'an aggregate of retryable errors, with an empty message',
    new AggregateError([retryable(), retryable()], ''),
    'retry',
  ],
  ['an aggregate with one permanent error', new AggregateError([retryable(), permanent()], ''), 'fail'],
  ['an aggregate in a cause of an aggregate', new AggregateError([wrap(new AggregateError([retryable()]))]), 'retry'],
  ['an aggregate of errors that do not say', new AggregateError([new Error('a'), new Error('b')]), 'unknown'],
  ['an empty aggregate', new AggregateError([]), 'unknown'],
  ['a cycle of causes', cycle(), 'unknown'],
  ['a cycle with a retryable error beside it', new AggregateError([cycle(), retryable()]), 'retry'],
  ['an abort', new DOMException('stop', 'AbortError'), 'fail'],
  ["Node's own abort", Object.assign(new Error('stop'), { code: 'ABORT_ERR' }), 'fail'],
  ['an abort under a retryable error', retryable(wrap(new DOMException('stop', 'AbortError'))), 'fail'],
  ['an abort in an aggregate', new AggregateError([retryable(), new DOMException('stop', 'AbortError')]), 'fail'],
  ['a time limit of the web platform', new DOMException('late', 'TimeoutError'), 'unknown'],
  ['a retryable property on something that is no Error', { retryable: true }, 'retry'],
  ['a retryable property that is not a boolean', { retryable: 'yes' }, 'unknown'],
];

describe('classify', () => {
  it.each(cases)('%s', (_title, error, verdict) => {
    expect(classify(error, { unknown: 'fail' })).toBe(verdict === 'unknown' ? 'fail' : verdict);
    expect(classify(error, { unknown: 'retry' })).toBe(verdict === 'unknown' ? 'retry' : verdict);
  });
});
