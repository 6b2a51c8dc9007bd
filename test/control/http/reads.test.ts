import { describe, expect, it } from 'vitest';
import { NoAnswer, type NoAnswerKind } from '../../../src/control/http/no-answer.js';
import { briefReadPolicy, readPolicy, survivingReads } from '../../../src/control/http/reads.js';
import type { Asked, Send } from '../../../src/control/http/send.js';
import type { RetryPolicy } from '../../../src/retry/policy.js';
import { fakeClock, type FakeClock } from '../../fakes/clock.js';

type Outcome = number | Response | Error;

/** A service that does one thing after the other, and from then on the last of them. */
class Scripted {
  readonly clock: FakeClock = fakeClock();
  readonly asked: Asked[] = [];
  readonly #outcomes: readonly Outcome[];

  constructor(...outcomes: readonly Outcome[]) {
    this.#outcomes = outcomes;
  }

  readonly send: Send = (asked) => {
    const outcome = this.#outcomes[this.asked.length] ?? this.#outcomes.at(-1) ?? 200;
    this.asked.push(asked);
    if (outcome instanceof Error) return Promise.reject(outcome);
    return Promise.resolve(typeof outcome === 'number' ? new Response(null, { status: outcome }) : outcome);
  };

  async ask(
    method = 'GET',
    { policy = readPolicy, ...options }: Partial<Asked> & { readonly policy?: RetryPolicy } = {},
  ): Promise<Response> {
    const reading = survivingReads(this.send, { clock: this.clock, policy });
    return this.clock.until(reading({ method, url: 'https://control.example.com', headers: {}, ...options }));
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const reads = ['GET', 'HEAD', 'OPTIONS'];
const writes = ['POST', 'PUT', 'PATCH', 'DELETE'];
const passing = [425, 429, 502, 503, 504];
const failures: readonly [NoAnswerKind, boolean][] = [
  ['not reached', true],
  ['cut', true],
  ['late', true],
  ['not reached', false],
  ['cut', false],
];
const noAnswer = (kind: NoAnswerKind, retryable: boolean): NoAnswer => new NoAnswer(kind, kind, { retryable });

describe('a read', () => {
  for (const method of reads) {
    it.each(passing)(
      `${method} that is answered with %d is asked again until it is answered with another`,
      async (status) => {
        const service = new Scripted(status, status, 200);
        expect((await service.ask(method)).status).toBe(200);
        expect(service.asked).toHaveLength(3);
        expect(service.clock.sleeps).toEqual([200, 400]);
      },
    );

    it(`${method} that is answered with any other status from 400 to 599 is over`, async () => {
      for (const status of range(400, 599).filter((each) => !passing.includes(each))) {
        const service = new Scripted(status, 200);
        expect((await service.ask(method)).status).toBe(status);
        expect(service.asked).toHaveLength(1);
      }
    });

    it.each(failures)(
      `${method} without an answer (%s, retryable: %s) is asked again where that may help`,
      async (kind, retryable) => {
        const service = new Scripted(noAnswer(kind, retryable), 200);
        if (retryable) expect((await service.ask(method)).status).toBe(200);
        else await expect(service.ask(method)).rejects.toMatchObject({ kind });
        expect(service.asked).toHaveLength(retryable ? 2 : 1);
      },
    );
  }

  it('is asked again after 0.2, 0.4, 0.8, 1.6 and then every 2 s, for 10 s', async () => {
    const service = new Scripted(503);
    expect((await service.ask()).status).toBe(503);
    expect(service.clock.sleeps).toEqual([200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
    expect(service.clock.now()).toBeLessThan(10_000);
  });

  it('gives the last answer when the time is over, whole', async () => {
    const last = new Response('{"error":{"code":"busy","message":"in an hour"}}', { status: 503 });
    const service = new Scripted(502, 504, 429, 502, 502, 502, 502, last);
    expect(await service.ask()).toBe(last);
    expect(await last.text()).toContain('in an hour');
  });

  it('throws the last failure when the time is over', async () => {
    const last = noAnswer('late', true);
    const cut = noAnswer('cut', true);
    await expect(new Scripted(cut, 503, cut, cut, cut, cut, cut, last).ask()).rejects.toBe(last);
  });

  it('fails at once of what is no network failure', async () => {
    const service = new Scripted(new TypeError('a mistake'), 200);
    await expect(service.ask()).rejects.toThrow('a mistake');
    expect(service.asked).toHaveLength(1);
  });

  it('may take no longer than what is left of the time', async () => {
    const service = new Scripted(503);
    await service.ask();
    expect(service.asked.map(({ limitMs }) => limitMs)).toEqual([
      10_000, 9_800, 9_400, 8_600, 7_000, 5_000, 3_000, 1_000,
    ]);
  });

  it('is not waited out by one who asks again anyway: it is over after four attempts', async () => {
    const service = new Scripted(503);
    expect((await service.ask('GET', { policy: briefReadPolicy })).status).toBe(503);
    expect(service.clock.sleeps).toEqual([200, 400, 800]);
  });

  describe('that is to be asked again later (Retry-After)', () => {
    const later = (value: string, status = 503): Response =>
      new Response(null, { status, headers: { 'retry-after': value } });

    it.each([
      ['3', 3_000],
      ['1', 1_000],
      ['0', 200],
      ['soon', 200],
      ['', 200],
      ['-5', 200],
      [new Date(0).toUTCString(), 200],
    ])('%j waits for %d ms, and never for less than without it', async (value, ms) => {
      const service = new Scripted(later(value), 200);
      expect((await service.ask()).status).toBe(200);
      expect(service.clock.sleeps).toEqual([ms]);
    });

    it('by a date waits until then', async () => {
      const service = new Scripted(later(new Date(Date.now() + 6_000).toUTCString()), 200);
      await service.ask();
      const [ms = 0] = service.clock.sleeps;
      expect(ms).toBeGreaterThan(1_000); // a date has whole seconds
      expect(ms).toBeLessThanOrEqual(6_000);
    });

    it.each(['10', '3600', '99999999999999999999', new Date(Date.now() + 86_400_000).toUTCString()])(
      '%j is longer than the time that is left: the answer is given at once',
      async (value) => {
        const last = later(value, 429);
        const service = new Scripted(last, 200);
        expect(await service.ask()).toBe(last);
        expect(service.clock.sleeps).toEqual([]);
      },
    );
  });

  it('ends at once when it is aborted in a wait, with the reason', async () => {
    const controller = new AbortController();
    const service = new Scripted(503);
    const reading = survivingReads(service.send, { clock: service.clock });
    const asking = reading({ method: 'GET', url: 'https://x', headers: {}, signal: controller.signal });
    await service.clock.advance(300);
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    await expect(asking).rejects.toBe(reason);
    expect(service.asked).toHaveLength(2);
    expect(service.clock.sleeping).toBe(0);
  });
});

describe('what is no read', () => {
  it.each(writes)('%s is asked once, whatever is answered', async (method) => {
    for (const status of range(400, 599)) {
      const service = new Scripted(status, 200);
      expect((await service.ask(method)).status).toBe(status);
      expect(service.asked).toHaveLength(1);
    }
  });

  it.each(writes)('%s is asked once, in whatever way it has no answer', async (method) => {
    for (const [kind, retryable] of failures) {
      const service = new Scripted(noAnswer(kind, retryable), 200);
      await expect(service.ask(method)).rejects.toMatchObject({ kind });
      expect(service.asked).toHaveLength(1);
    }
  });
});
