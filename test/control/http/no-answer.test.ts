import { describe, expect, it } from 'vitest';
import { noAnswerOf } from '../../../src/control/http/no-answer.js';

const failed = (code: string, syscall: string): Error => Object.assign(new Error(code), { code, syscall });

describe('a request without an answer', () => {
  it.each([
    ['EADDRNOTAVAIL', 'connect', 'not reached'],
    ['EPERM', 'connect', 'not reached'],
    ['EACCES', 'connect', 'not reached'],
    ['EMFILE', 'connect', 'not reached'],
    ['EAI_FAIL', 'getaddrinfo', 'not reached'],
    ['ENOBUFS', 'write', 'cut'],
    ['EIO', 'read', 'cut'],
  ])('may be asked for again after %s of %s: %s', (code, syscall, kind) => {
    const error = noAnswerOf(new AggregateError([failed(code, syscall)]));
    expect(error).toMatchObject({ kind, retryable: true, message: expect.stringContaining(`(${code})`) as string });
  });

  it.each(['INVALID_PURPOSE', 'INVALID_CA', 'CRL_HAS_EXPIRED', 'CERT_REVOKED', 'HOSTNAME_MISMATCH'])(
    'is not asked for again where the certificate is not good: %s',
    (code) => {
      const error = noAnswerOf(Object.assign(new Error('unsuitable certificate'), { code }));
      expect(error).toMatchObject({
        kind: 'not reached',
        retryable: false,
        message: 'TLS failed: unsuitable certificate',
      });
    },
  );

  it('is a mistake of ours where nothing of the network failed', () => {
    expect(noAnswerOf(failed('ENOENT', 'open'))).toBeUndefined();
  });
});
