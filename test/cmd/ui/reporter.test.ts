import { describe, expect, it } from 'vitest';
import { Output } from '../../../cmd/ui/output.js';
import { createReporter } from '../../../cmd/ui/reporter.js';
import { SidecarError } from '../../../src/errors.js';
import type { SidecarEvent } from '../../../src/events.js';
import { type FakeStream, fakeStream } from '../../fakes/terminal.js';

const refused = new SidecarError('ssh.unreachable', { host: '127.0.0.1', port: 2222, reason: 'connection refused' });

/** A sync that waits for a machine to boot. */
const booting: readonly SidecarEvent[] = [
  { kind: 'connect.attempt', attempt: 1, host: '127.0.0.1', port: 2222 },
  { kind: 'connect.failed', attempt: 1, error: refused },
  { kind: 'connect.waiting', host: '127.0.0.1', error: refused, delayMs: 2_000, deadlineMs: 90_000 },
  { kind: 'connect.attempt', attempt: 2, host: '127.0.0.1', port: 2222 },
  { kind: 'connect.open', host: '127.0.0.1', attempts: 2, elapsedMs: 8_240 },
];

function report(
  events: readonly SidecarEvent[],
  { terminal = false, verbose = false }: { terminal?: boolean; verbose?: boolean } = {},
): FakeStream {
  const stderr = fakeStream({ isTTY: terminal });
  const output = new Output({
    stdout: fakeStream(),
    stderr,
    env: {},
    json: false,
    quiet: false,
    verbose,
    color: false,
  });
  events.forEach(createReporter(output, 'web'));
  output.clearProgress();
  return stderr;
}

describe('the reporter', () => {
  it('announces a wait once, with the reason and how long it will try, and says how long it took', () => {
    expect(report(booting).shown).toEqual([
      'sidecar: web is not reachable yet (connection refused); trying for up to 90 s…',
      'sidecar: connected after 8.2 s (2 attempts)',
      '',
    ]);
  });

  it('names a machine that is left behind, where it is, and why it could not be ended', () => {
    const about = {
      kind: 'provider.left_behind',
      name: 'web',
      requestId: 'r-1',
      where: 'vms, here',
      reason: 'busy',
    } as const;
    expect(report([{ ...about, id: 'm-1' }, about]).shown).toEqual([
      'sidecar: warning: left behind, to be ended by hand: the machine m-1 of web (vms, here): busy',
      'sidecar: warning: left behind, to be ended by hand: what has the request id r-1 of web (vms, here): busy',
      '',
    ]);
  });

  it('says that a connection was lost, for how long it tries again, and when it is back', () => {
    const error = new SidecarError('ssh.connection_lost', { reason: 'connection reset' }, { retryable: true });
    const said = report([
      { kind: 'connect.open', host: '127.0.0.1', attempts: 1, elapsedMs: 140 },
      { kind: 'connect.lost', error, delayMs: 2_000, remainingMs: 84_860 },
      { kind: 'connect.open', host: '127.0.0.1', attempts: 2, elapsedMs: 2_280 },
    ]);
    expect(said.shown).toEqual([
      'sidecar: the connection to web was lost (connection reset); trying again for up to 84 s…',
      'sidecar: connected again after 2.3 s (2 attempts)',
      '',
    ]);
  });

  it('leaves the same lines on a terminal once the live line is gone', () => {
    expect(report(booting, { terminal: true }).shown).toEqual(report(booting).shown);
  });

  it('with --verbose gives every attempt a line', () => {
    expect(report(booting, { verbose: true }).shown).toEqual([
      'sidecar: web: attempt 1: connecting to 127.0.0.1:2222',
      'sidecar: web: attempt 1 failed: connection refused',
      'sidecar: web is not reachable yet (connection refused); trying for up to 90 s…',
      'sidecar: web: attempt 2: connecting to 127.0.0.1:2222',
      'sidecar: connected after 8.2 s (2 attempts)',
      '',
    ]);
  });

  it('says nothing of a connection that opened at once', () => {
    expect(report([{ kind: 'connect.open', host: 'h', attempts: 1, elapsedMs: 60 }]).written).toBe('');
  });

  it('shows the fingerprint of a host key that is trusted on first use', () => {
    const stderr = report([
      { kind: 'hostkey.pinned', host: 'h', keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc', source: 'first-use' },
    ]);
    expect(stderr.shown[0]).toBe(
      'sidecar: first connection to web: its ssh-ed25519 host key is trusted from now on: SHA256:abc',
    );
  });

  it('needs no word for a host key that the user trusted already', () => {
    const stderr = report([
      { kind: 'hostkey.pinned', host: 'h', keyType: 'ssh-ed25519', fingerprint: 'SHA256:abc', source: 'known_hosts' },
    ]);
    expect(stderr.written).toBe('');
  });

  it('warns of what cannot travel, with the name escaped', () => {
    const stderr = report([
      { kind: 'snapshot.skipped', path: 'a\x1b[2Jpipe', file: '/app/a\x1b[2Jpipe', reason: 'fifo' },
    ]);
    expect(stderr.shown[0]).toBe('/app/a\\x1b[2Jpipe:1:1: warning: not sent: it is a named pipe [snapshot.skipped]');
  });

  it('draws bytes and rate on a terminal, no more often than the eye can follow', () => {
    const events: SidecarEvent[] = Array.from({ length: 1_001 }, (_, n) => ({
      kind: 'sync.sending',
      bytes: n * 1_000,
      elapsedMs: n,
      done: n === 1_000,
    }));
    const drawn = report(events, { terminal: true })
      .written.split('\r')
      .filter((text) => text.includes('sending'));
    expect(drawn[0]).toContain('sending 80 kB…');
    expect(drawn[1]).toContain('sending 160 kB (1.0 MB/s)…');
    expect(drawn).toHaveLength(12);
  });

  it('elsewhere gives a pack that took long one line when it is through', () => {
    const events: SidecarEvent[] = [
      { kind: 'sync.sending', bytes: 10_000_000, elapsedMs: 3_000, done: false },
      { kind: 'sync.sending', bytes: 41_000_000, elapsedMs: 8_200, done: true },
    ];
    expect(report(events).shown).toEqual(['sidecar: sent 41 MB (5.0 MB/s) in 8.2 s', '']);
    expect(report([{ kind: 'sync.sending', bytes: 900, elapsedMs: 20, done: true }]).written).toBe('');
  });
});
