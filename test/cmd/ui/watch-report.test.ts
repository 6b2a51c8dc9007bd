import { describe, expect, it } from 'vitest';
import { Output } from '../../../cmd/ui/output.js';
import { createReporter } from '../../../cmd/ui/reporter.js';
import { SidecarError } from '../../../src/errors.js';
import type { SidecarEvent } from '../../../src/events.js';
import { fakeStream, type FakeStream } from '../../fakes/terminal.js';

function report(events: readonly SidecarEvent[], { json = false } = {}): FakeStream {
  const stderr = fakeStream();
  const base = { stdout: fakeStream(), stderr, env: {}, quiet: false, verbose: false, color: false };
  events.forEach(createReporter(new Output({ ...base, json }), 'web'));
  return stderr;
}

const command = ['npm', 'test'];
const error = new SidecarError('sync.in_use', { workspace: '/home/dev/app' });

describe('the reporter of a watch', () => {
  it('has a line for the begin of each landing, and one for its end where it failed', () => {
    const events = [{ kind: 'watch.landing' }, { kind: 'watch.failed', error, retryMs: 5_000 }] as const;
    expect(report(events).shown).toEqual([
      'sidecar: landing…',
      'sidecar: not landed: another sync keeps /home/dev/app on web locked',
      '  hint: try again when it has ended; trying again at the next change, and in 5 s',
      '',
    ]);
  });

  it('has a line for the end of one that would have woken a machine', () => {
    expect(report([{ kind: 'watch.landing' }, { kind: 'watch.asleep' }]).shown).toEqual([
      'sidecar: landing…',
      'sidecar: not landed: web is stopped, or in standby; the next change starts it',
      '',
    ]);
  });

  it('prints with --json a document for each landing that failed, and nothing else', () => {
    const events = [{ kind: 'watch.landing' }, { kind: 'watch.failed', error, retryMs: 5_000 }] as const;
    expect(JSON.parse(report(events, { json: true }).written)).toMatchObject({
      error: { code: 'sync.in_use', sidecar: 'web' },
    });
  });

  it('says why there are no file events, and that git does not come to an end', () => {
    const [polling, stuck] = report([
      { kind: 'watch.polling', directory: '/app', reason: 'it is on a network file system (nfs)' },
      { kind: 'watch.stuck', path: '/app/.git/index.lock' },
    ]).shown;
    expect(polling).toBe(
      'sidecar: warning: no file events for /app: it is on a network file system (nfs); it is looked through again and again instead, which is slower',
    );
    expect(stuck).toContain('/app/.git/index.lock is still there');
  });

  it('tells how each run came to its end', () => {
    expect(
      report([
        { kind: 'run.started', command },
        { kind: 'run.ended', command, code: 1, elapsedMs: 4_100 },
        { kind: 'run.stopped', command },
        { kind: 'run.failed', command, error: new SidecarError('ssh.connection_lost', { reason: 'connection reset' }) },
      ]).shown,
    ).toEqual([
      'sidecar: npm test ended with 1 after 4.1 s',
      'sidecar: stopped npm test: there is a newer landing',
      'sidecar: npm test: the connection to web was lost: connection reset',
      '  hint: it runs again after the next landing that changes something',
      '',
    ]);
  });
});
