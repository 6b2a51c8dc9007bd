import { describe, expect, it } from 'vitest';
import { errorDocument, errorLines } from '../../../cmd/ui/error-report.js';
import { paint, plainText } from '../../../cmd/ui/line.js';
import { Output } from '../../../cmd/ui/output.js';
import { problemLine } from '../../../cmd/ui/problem-line.js';
import { createReporter } from '../../../cmd/ui/reporter.js';
import { problemPattern } from '../../../src/editors/problem-pattern.js';
import { type ErrorCode, type Facts, SidecarError } from '../../../src/errors.js';
import { fakeStream } from '../../fakes/terminal.js';

function words(code: ErrorCode, facts: Facts): string[] {
  return errorLines(new SidecarError(code, facts), { stack: false }).map(plainText);
}

describe('an error about a file', () => {
  it('is a line that names the place as a compiler does, and the hint follows', () => {
    const facts = { file: '/app/.sidecar.json', line: 3, column: 5, key: 'drfit', reason: 'unknown key "drfit"' };
    expect(words('settings.invalid', facts)).toEqual([
      '/app/.sidecar.json:3:5: error: unknown key "drfit" [settings.invalid]',
      '  hint: correct it, or take it out',
    ]);
  });

  it('is about the begin of the file where the place is not known', () => {
    expect(
      words('state.corrupt', { path: '/s/sidecars.json', file: '/s/sidecars.json', reason: 'it is not JSON' }),
    ).toEqual([
      '/s/sidecars.json:1:1: error: cannot understand a state file: it is not JSON [state.corrupt]',
      '  hint: nothing was changed; put back a good copy, or move the file away to start without it',
    ]);
  });

  it('says once which file it is about, and its hint still says it', () => {
    const facts = { path: '/h/.ssh/id', file: '/h/.ssh/id', reason: 'it is not a private key' };
    expect(words('ssh.key_unusable', facts)[0]).toBe(
      '/h/.ssh/id:1:1: error: cannot use the key file: it is not a private key [ssh.key_unusable]',
    );
    expect(words('ssh.passphrase_needed', facts)[1]).toContain('`ssh-add /h/.ssh/id`');
    const place = { source: '/h/.ssh/known_hosts:3', file: '/h/.ssh/known_hosts', line: 3 };
    expect(words('ssh.host_key_changed', { sidecar: 'web', expected: ['old'], actual: 'new', ...place })).toEqual([
      '/h/.ssh/known_hosts:3:1: error: the host key of web has changed: expected old, got new; this may be an attack, ' +
        'and nothing was sent [ssh.host_key_changed]',
      '  hint: only if you know that the machine was rebuilt: take its old key out of /h/.ssh/known_hosts:3 and try again',
    ]);
  });

  it('has the words of every other error in its document, and the place beside them', () => {
    const error = new SidecarError('settings.invalid', {
      file: '/app/.sidecar.json',
      line: 3,
      reason: 'it is not JSON',
    });
    expect(errorDocument(error)).toEqual({
      error: {
        code: 'settings.invalid',
        message: '/app/.sidecar.json: it is not JSON',
        hint: 'correct it, or take it out',
        file: '/app/.sidecar.json',
        line: 3,
        reason: 'it is not JSON',
      },
    });
  });

  it('comes before the line that ends the landing of a watch', () => {
    const stderr = fakeStream();
    const base = { stdout: fakeStream(), stderr, env: {}, quiet: false, verbose: false, color: false, json: false };
    const error = new SidecarError('sync.unreadable', { path: 'a', file: '/app/a', reason: 'Permission denied' });
    createReporter(new Output(base), 'web')({ kind: 'watch.failed', error, retryMs: 5_000 });
    expect(stderr.shown.slice(0, 2)).toEqual([
      '/app/a:1:1: error: cannot read a file of the working tree: Permission denied [sync.unreadable]',
      'sidecar: not landed: cannot read a: Permission denied',
    ]);
  });
});

describe('the pattern of problem lines', () => {
  it.each([
    ['a path with spaces', '/home/ada/my app/.sidecar.json'],
    ['a path of Windows', String.raw`C:\Users\Ada\app\.sidecar.json`],
    ['a path that looks like a place', '/app/x:3:4/file'],
  ])('finds every part of a line with %s', (_, file) => {
    const problem = {
      file,
      line: 12,
      column: 7,
      severity: 'error',
      message: 'a [b] c: d',
      code: 'settings.invalid',
    } as const;
    expect(new RegExp(problemPattern).exec(plainText(problemLine(problem)))?.slice(1)).toEqual([
      file,
      '12',
      '7',
      'error',
      'a [b] c: d',
      'settings.invalid',
    ]);
  });

  it.each([
    'sidecar: cannot reach web (10.0.0.7:22): connection refused (10 attempts in 86.4 s)',
    'sidecar: warning: no file events for /app: it is on a network file system',
    '  hint: correct it, or take it out',
    'sidecar: landed on web:/home/dev/app: 1 changed (329 B sent) in 0.51 s, tree ee34085023 proved',
    '/app/src/x.c:3:1: error: expected a semicolon',
  ])('finds none in %s', (line) => {
    expect(line).not.toMatch(new RegExp(problemPattern));
  });

  it('still stands when colours are taken out', () => {
    const line = problemLine({ file: '/app/a', severity: 'warning', message: 'not sent', code: 'snapshot.skipped' });
    expect(paint(line, true).replaceAll(/\x1b\[\d+m/g, '')).toBe(plainText(line));
  });
});
