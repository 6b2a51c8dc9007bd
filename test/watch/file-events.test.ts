import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Change } from '../../src/watch/change.js';
import { FileEvents, type Watcher } from '../../src/watch/file-events.js';
import { fakeClock, type FakeClock } from '../fakes/clock.js';
import { scratch, type Scratch } from '../fakes/git-repo.js';

type Heard = Parameters<Watcher['subscribe']>[1];

/** A watcher whose events a test makes up. */
class FakeWatcher implements Watcher {
  /** One for each subscription that was ever made. */
  readonly heard: Heard[] = [];
  readonly ignored: string[][] = [];
  open = 0;
  failures: Error[] = [];

  subscribe(_: string, onEvents: Heard, { ignore }: { ignore: string[] }): Promise<{ unsubscribe(): Promise<void> }> {
    const failure = this.failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.heard.push(onEvents);
    this.ignored.push(ignore);
    this.open += 1;
    return Promise.resolve({
      unsubscribe: () => {
        this.open -= 1;
        return Promise.resolve();
      },
    });
  }
}

let place: Scratch;
let watcher: FakeWatcher;
let clock: FakeClock;
let stop: AbortController;
let told: Change[];
let broken: unknown[];
let ignored: string[];

beforeEach(() => {
  place = scratch();
  watcher = new FakeWatcher();
  clock = fakeClock();
  stop = new AbortController();
  [told, broken, ignored] = [[], [], []];
});
afterEach(() => {
  stop.abort();
  place.remove();
});

const start = (): Promise<FileEvents> =>
  FileEvents.start({
    load: () => Promise.resolve(watcher),
    directories: [place.path],
    ignored: () => Promise.resolve(ignored),
    clock,
    signal: stop.signal,
    tell: (change) => told.push(change),
    onBroken: (error) => broken.push(error),
  });

const say = (...paths: string[]): void =>
  watcher.heard.at(-1)?.(
    null,
    paths.map((each) => ({ type: 'create', path: path.join(place.path, each) })),
  );

describe('file events', () => {
  it('tell of the paths', async () => {
    await start();
    say('one', 'two');
    expect(told).toEqual([
      { kind: 'touched', paths: new Set([path.join(place.path, 'one'), path.join(place.path, 'two')]) },
    ]);
    await clock.advance(0);
    expect(watcher.heard).toHaveLength(1);
  });

  it('are subscribed anew after an error, and the tree is unseen then', async () => {
    await start();
    watcher.heard[0]?.(new Error('Events were dropped by the FSEvents client.'), []);
    await clock.advance(0);
    expect(watcher).toMatchObject({ open: 1, heard: { length: 2 } });
    expect(told).toEqual([{ kind: 'unseen' }]);
  });

  it('are subscribed anew after so many at once that others may have been dropped', async () => {
    await start();
    say(...Array.from({ length: 1000 }, (_, at) => String(at)));
    await clock.advance(0);
    expect(watcher.heard).toHaveLength(2);
    expect(told.at(-1)).toEqual({ kind: 'unseen' });
  });

  it('are subscribed anew once for several reasons at a time', async () => {
    await start();
    for (let at = 0; at < 5; at += 1) watcher.heard[0]?.(new Error('dropped'), []);
    await clock.advance(0);
    expect(watcher.heard).toHaveLength(2);
    await clock.advance(1_000);
    expect(watcher.heard).toHaveLength(3);
    await clock.advance(60_000);
    expect(watcher).toMatchObject({ open: 1, heard: { length: 3 } });
  });

  it('are subscribed anew for a directory that nobody told of, in one that is new', async () => {
    await start();
    mkdirSync(path.join(place.path, 'a/b'), { recursive: true });
    say('a', 'a/b');
    await clock.advance(0);
    expect(watcher.heard).toHaveLength(1);
    mkdirSync(path.join(place.path, 'c/d'), { recursive: true });
    say('c');
    await clock.until(new Promise<void>((resolve) => void poll(() => watcher.heard.length === 2, resolve)));
  });

  it('are subscribed anew where other directories are ignored now, and not where the rules say the same', async () => {
    await start();
    say('.gitignore');
    ignored = ['/tree/dist'];
    say('.gitignore');
    // It looks at the disk first.
    await clock.until(new Promise<void>((resolve) => void poll(() => watcher.ignored.length === 2, resolve)));
    expect(watcher.ignored).toEqual([[], ['/tree/dist']]);
  });

  it('can be had where the first try met a file that was just going', async () => {
    watcher.failures = [new Error('No such file or directory')];
    await start();
    expect(watcher.open).toBe(1);
  });

  it('that are not to be had are an error', async () => {
    const full = new Error("inotify_add_watch on '/tree' failed: No space left on device");
    watcher.failures = [full, full, full];
    await expect(start()).rejects.toBe(full);
  });

  it('that are not to be had any more are told of once', async () => {
    await start();
    const full = new Error('No space left on device');
    watcher.failures = [full, full, full];
    watcher.heard[0]?.(new Error('dropped'), []);
    await clock.advance(0);
    expect(broken).toEqual([full]);
    expect(watcher.open).toBe(0);
  });

  it('end with their subscriptions', async () => {
    const events = await start();
    stop.abort();
    await events.close();
    say('late');
    expect(told).toEqual([]);
    expect(watcher.open).toBe(0);
  });
});

/** The file system takes its own time. */
async function poll(isTrue: () => boolean, then: () => void): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
  then();
}
