import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { mapped } from '../../src/run/mapped.js';
import { fakeClock } from '../fakes/clock.js';

const mapping = { from: '/home/dev/app', to: '/Users/ada/app' };

function begin() {
  const [source, clock] = [new PassThrough(), fakeClock()];
  const chunks = mapped(source, mapping, clock);
  const next = async (): Promise<string | undefined> => {
    const { value } = await chunks.next();
    return value === undefined ? undefined : value.toString();
  };
  return { source, clock, next };
}

describe('what a command prints', () => {
  it('comes at once where nothing has to be waited for', async () => {
    const { source, clock, next } = begin();
    source.write('password: ');
    expect(await next()).toBe('password: ');
    expect(clock.sleeps).toEqual([]);
  });

  it('is mapped although a path comes in two parts', async () => {
    const { source, clock, next } = begin();
    source.write('in /home/d');
    expect(await next()).toBe('in ');
    const rest = next();
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    source.write('ev/app/x.ts');
    expect(await rest).toBe('/Users/ada/app/x.ts');
    expect(clock.sleeping).toBe(0);
  });

  it('comes a moment later, as it is, where the rest of a path does not follow', async () => {
    const { source, clock, next } = begin();
    source.write('where? /');
    expect(await next()).toBe('where? ');
    const held = next();
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(100);
    expect(await held).toBe('/');
    source.end('home/dev/app');
    expect(await next()).toBe('home/dev/app');
    expect(await next()).toBeUndefined();
  });

  it('is all there when it ends, and when it breaks', async () => {
    const ending = begin();
    ending.source.end('/home/dev/app');
    expect([await ending.next(), await ending.next()]).toEqual(['/Users/ada/app', undefined]);

    const breaking = begin();
    breaking.source.write('x /home/dev');
    expect(await breaking.next()).toBe('x ');
    const last = breaking.next();
    breaking.source.destroy(new Error('lost'));
    expect(await last).toBe('/home/dev');
    await expect(breaking.next()).rejects.toThrow('lost');
  });
});
