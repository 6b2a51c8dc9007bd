import { describe, expect, it } from 'vitest';
import type { AccessTokens } from '../../src/control/access-tokens.js';
import { ControlPlane } from '../../src/control/client.js';
import { NoAnswer } from '../../src/control/http/no-answer.js';
import type { Asked } from '../../src/control/http/send.js';
import { SidecarError } from '../../src/errors.js';
import { fakeClock } from '../fakes/clock.js';

const server = 'https://control.example.com/base';
const web = { id: 'sc-1', name: 'web', requestId: 'r', state: 'running' } as const;
const ssh = { endpoint: { kind: 'tcp', host: '192.0.2.1', port: 22 }, user: 'dev', hostKeys: ['ssh-ed25519 AAAA'] };

type Outcome = Response | Error | ((asked: Asked) => Response);

/** A user with tokens, and a service that does one thing after the other. */
function userOf(outcomes: readonly Outcome[], tokens: readonly string[] = ['token-1', 'token-2', 'token-3']) {
  const clock = fakeClock();
  const asked: Asked[] = [];
  const refusals: (string | undefined)[] = [];
  const renewing: AccessTokens = {
    token: ({ refused } = {}) => {
      refusals.push(refused);
      const token = refused === undefined ? tokens[0] : tokens[tokens.indexOf(refused) + 1];
      if (token !== undefined) return Promise.resolve(token);
      return Promise.reject(new SidecarError('login.required', { server }));
    },
  };
  const control = new ControlPlane({
    ...{ server, clock, tokens: renewing },
    send: (request) => {
      asked.push(request);
      const outcome = outcomes[Math.min(asked.length, outcomes.length) - 1];
      if (outcome instanceof Error) return Promise.reject(outcome);
      const answer = typeof outcome === 'function' ? outcome(request) : (outcome?.clone() ?? new Response());
      return Promise.resolve(answer);
    },
  });
  return { control, clock, asked, refusals, ask: <T>(work: Promise<T>): Promise<T> => clock.until(work) };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });
const failure = (status: number, code = 'odd', message = 'what the service says', headers = {}): Response =>
  json(status, { error: { code, message } }, headers);
const caught = async (work: Promise<unknown>): Promise<SidecarError> => {
  const error: unknown = await work.then(
    () => undefined,
    (each: unknown) => each,
  );
  expect(error).toBeInstanceOf(SidecarError);
  return error as SidecarError;
};
const newSidecar = { name: 'web', requestId: 'r' };

describe('the control plane', () => {
  it('is asked under its whole address, with the token, and with what the call takes', async () => {
    const { control, asked, ask } = userOf([json(201, web)]);
    await ask(control.create({ ...newSidecar, image: 'debian' }));
    expect(asked).toMatchObject([
      {
        method: 'POST',
        url: `${server}/v1/sidecars`,
        headers: { authorization: 'Bearer token-1', 'idempotency-key': 'r', 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'web', requestId: 'r', image: 'debian' }),
      },
    ]);
    const reading = userOf([json(200, web)]);
    await reading.ask(reading.control.sidecar('a/b'));
    expect(reading.asked[0]).toMatchObject({ method: 'GET', url: `${server}/v1/sidecars/a%2Fb` });
    expect(reading.asked[0]?.body).toBeUndefined();
  });

  it('says how it is, to anybody', async () => {
    const { control, asked, ask } = userOf([json(200, { status: 'ok' })]);
    expect(await ask(control.health())).toBe('ok');
    expect(asked[0]?.headers).not.toHaveProperty('authorization');
  });

  describe('that does not take the token (401)', () => {
    it.each([
      ['a read', (control: ControlPlane) => control.sidecars(), json(200, { sidecars: [] })],
      ['a write, which was not done', (control: ControlPlane) => control.create(newSidecar), json(201, web)],
    ] as const)('is asked once more with a renewed one: %s', async (_, call, answer) => {
      const { control, asked, refusals, ask } = userOf([failure(401), answer]);
      await ask<unknown>(call(control));
      expect(refusals).toEqual([undefined, 'token-1']);
      expect(asked.map(({ headers }) => headers['authorization'])).toEqual(['Bearer token-1', 'Bearer token-2']);
    });

    it('is asked no third time', async () => {
      const { control, asked, ask } = userOf([failure(401, 'expired', 'not good any more')]);
      const error = await caught(ask(control.sidecars()));
      expect(error).toMatchObject({ code: 'provider.unauthenticated', retryable: false });
      expect(error.facts).toMatchObject({ server, status: 401, reason: 'not good any more (401 Unauthorized)' });
      expect(asked).toHaveLength(2);
    });

    it('is asked for a token once, also where it is asked several times for the rest', async () => {
      const { control, asked, refusals, ask } = userOf([failure(503), failure(503), json(200, { sidecars: [] })]);
      await ask(control.sidecars());
      expect(asked).toHaveLength(3);
      expect(refusals).toEqual([undefined]);
      const broken: AccessTokens = {
        token: () => {
          refusals.push('none');
          return Promise.reject(new SidecarError('server.unreachable', { server }, { retryable: true }));
        },
      };
      const other = new ControlPlane({
        server,
        tokens: broken,
        send: () => Promise.reject(new Error()),
        clock: fakeClock(),
      });
      expect(await caught(other.sidecars())).toMatchObject({ code: 'server.unreachable', retryable: true });
      expect(refusals).toEqual([undefined, 'none']);
    });

    it('is not asked again where there is no other token', async () => {
      const { control, asked, ask } = userOf([failure(401)], ['token-1']);
      expect(await caught(ask(control.sidecars()))).toMatchObject({ code: 'login.required' });
      expect(asked).toHaveLength(1);
    });
  });

  it('says of a name whose it is, also where that one is not as agreed', async () => {
    const odd = { ...web, requestId: 'other', reason: null };
    const exists = { error: { code: 'already_exists', message: 'taken' }, sidecar: odd };
    const { control, ask } = userOf([json(409, exists)]);
    expect(await ask(control.create(newSidecar))).toEqual({ kind: 'taken' });
    const ours = userOf([json(409, { ...exists, sidecar: { ...odd, requestId: 'r' } })]);
    expect(await caught(ours.ask(ours.control.create(newSidecar)))).toMatchObject({ code: 'provider.protocol' });
  });

  it('tells by what each sidecar is known, also one that is not as agreed', async () => {
    const { control, ask } = userOf([json(200, { sidecars: [web, { ...web, id: 'odd', state: 'molten' }, 'none'] })]);
    expect((await ask(control.marks())).map(({ id }) => id)).toEqual([web.id, 'odd']);
  });

  it.each<[string, number, string, (control: ControlPlane) => Promise<unknown>]>([
    ['a list', 410, 'provider.failed', (control) => control.sidecars()],
    ['a creation', 410, 'provider.failed', (control) => control.create(newSidecar)],
    ['a deletion', 429, 'provider.unavailable', (control) => control.delete('a')],
  ])('answers %s with %d, which is %s', async (_, status, code, call) => {
    const { control, ask } = userOf(Array.from({ length: 30 }, () => failure(status)));
    expect(await caught(ask(call(control)))).toMatchObject({ code });
  });

  describe('that refuses', () => {
    it.each([
      [400, 'provider.failed'],
      [402, 'provider.quota'],
      [403, 'provider.failed'],
      [404, 'provider.failed'],
      [409, 'provider.failed'],
      [413, 'provider.failed'],
      [422, 'provider.failed'],
      [425, 'provider.unavailable'],
      [429, 'provider.quota'],
    ])('to make something with %d is %s, for good, and nothing was made', async (status, code) => {
      const { control, asked, ask } = userOf([failure(status)]);
      const error = await caught(ask(control.create(newSidecar)));
      expect(error).toMatchObject({ code, retryable: false, facts: { status, call: 'POST /v1/sidecars' } });
      expect(error.facts['reason']).toContain('what the service says');
      expect(error.facts['maybeApplied']).toBeUndefined();
      expect(asked).toHaveLength(1);
    });

    it.each([
      [500, true],
      [501, false],
      [502, true],
      [503, true],
      [504, true],
      [505, false],
    ])('to make something with %d may have made it, and may be asked again: %s', async (status, retryable) => {
      const { control, asked, ask } = userOf([new Response('<html>', { status, headers: { 'retry-after': '7' } })]);
      const error = await caught(ask(control.create(newSidecar)));
      expect(error).toMatchObject({ code: 'provider.unavailable', retryable });
      expect(error.facts).toMatchObject({ status, maybeApplied: true, retryAfterMs: 7_000 });
      expect(error.facts['reason']).toContain(String(status));
      expect(asked).toHaveLength(1);
    });

    it.each([
      [403, 'provider.failed', false],
      [425, 'provider.unavailable', true],
      [429, 'provider.unavailable', true],
      [500, 'provider.unavailable', false],
      [502, 'provider.unavailable', true],
      [503, 'provider.unavailable', true],
      [504, 'provider.unavailable', true],
    ])('a read with %d is %s, and may pass: %s', async (status, code, retryable) => {
      const { control, ask } = userOf([failure(status)]);
      expect(await caught(ask(control.sidecars()))).toMatchObject({ code, retryable, facts: { status } });
    });

    it('is quoted in full, but for the token', async () => {
      const long = `${'a long story. '.repeat(400)}Your token token-1 is odd.`;
      const { control, ask } = userOf([failure(403, 'forbidden', long)]);
      const error = await caught(ask(control.sidecars()));
      expect(error.facts['reason']).toBe(`${long.replace('token-1', '…')} (403 Forbidden)`);
    });

    it('in words that are not its own is not quoted', async () => {
      const { control, ask } = userOf([new Response('<html>Bearer token-1', { status: 403 })]);
      const error = await caught(ask(control.sidecars()));
      expect(error.facts['reason']).toBe('the service answered with 403 Forbidden');
    });
  });

  describe('that does not answer', () => {
    it.each([
      ['not reached', true, undefined],
      ['not reached', false, undefined],
      ['cut', true, true],
      ['late', true, true],
    ] as const)('a creation (%s, may pass: %s) may have made something: %s', async (kind, retryable, maybeApplied) => {
      const { control, ask } = userOf([new NoAnswer(kind, 'the network is odd', { retryable })]);
      const error = await caught(ask(control.create(newSidecar)));
      expect(error).toMatchObject({
        code: 'provider.unavailable',
        retryable,
        facts: { reason: 'the service cannot be asked: the network is odd' },
      });
      expect(error.facts['maybeApplied']).toBe(maybeApplied);
    });

    it('tells only the kind of what nobody expected, which may hold the request', async () => {
      const { control, ask } = userOf([new TypeError('Invalid header: Bearer token-1')]);
      const error = await caught(ask(control.sidecars()));
      expect(error.facts['reason']).toBe('the service cannot be asked (TypeError)');
      expect(error.cause).toBeUndefined();
    });
  });

  describe('that does not keep to the document', () => {
    it.each([
      ['no JSON', new Response('hello')],
      ['half of it', new Response('{"sidecars":[{')],
      ['nothing', new Response()],
      ['a list without one', json(200, {})],
      ['a redirect', new Response(null, { status: 302, headers: { location: 'https://elsewhere' } })],
    ])('with %s fails for good', async (_, answer) => {
      const { control, ask } = userOf([answer]);
      expect(await caught(ask(control.sidecars()))).toMatchObject({ code: 'provider.protocol', retryable: false });
    });

    describe.each<[string, object]>([
      ['without an id', { ...web, id: '' }],
      ['in a state that is not known', { ...web, state: 'paused' }],
      ['of a port that is none', { ...web, ssh: { ...ssh, endpoint: { ...ssh.endpoint, port: 0 } } }],
      ['without a host key', { ...web, ssh: { ...ssh, hostKeys: [] } }],
      [
        'by a WebSocket that is not encrypted',
        { ...web, ssh: { ...ssh, endpoint: { kind: 'websocket', url: 'ws://far.example.com' } } },
      ],
    ])('with a sidecar %s', (_, wrong) => {
      const protocol = { code: 'provider.protocol', retryable: false };
      const other = { ...web, id: 'sc-2', name: 'other', requestId: 'r2' };

      it('fails for good where it is the one that is meant', async () => {
        const one = userOf([json(200, wrong)]);
        expect(await caught(one.ask(one.control.sidecar('sc-1')))).toMatchObject(protocol);
        const { control, ask } = userOf([json(200, { sidecars: [other, wrong] })]);
        const isMeant = ({ requestId }: { requestId?: string | undefined }): boolean => requestId === 'r';
        expect(await caught(ask(control.sidecars({ isMeant })))).toMatchObject(protocol);
      });

      it('tells of the others all the same', async () => {
        const { control, ask } = userOf([json(200, { sidecars: [null, wrong, 7, other, { id: 7 }] })]);
        expect(await ask(control.sidecars({ isMeant: ({ id }) => id === 'sc-2' }))).toEqual([other]);
      });
    });

    it('may have made what was asked for', async () => {
      const { control, ask } = userOf([json(201, {})]);
      const error = await caught(ask(control.create(newSidecar)));
      expect(error).toMatchObject({ code: 'provider.protocol', retryable: false, facts: { maybeApplied: true } });
    });

    it('but only says more than is known here, is understood', async () => {
      const more = { ...web, ssh: { ...ssh, port: 1 }, region: 'eu' };
      const { control, ask } = userOf([json(200, { sidecars: [more], next: null })]);
      expect(await ask(control.sidecars())).toEqual([{ ...web, ssh }]);
    });

    it.each(['wss://far.example.com/x', 'ws://127.0.0.1:8080/x', 'ws://localhost/x', 'ws://[::1]/x'])(
      'may be reached by %s',
      async (url) => {
        const { control, ask } = userOf([
          json(200, { sidecars: [{ ...web, ssh: { ...ssh, endpoint: { kind: 'websocket', url } } }] }),
        ]);
        expect((await ask(control.sidecars()))[0]?.ssh?.endpoint).toEqual({ kind: 'websocket', url });
      },
    );
  });

  describe('tells a sidecar that is gone from one that is not known, and from an address that is wrong', () => {
    const notFound = failure(404, 'not_found', 'no such sidecar');
    const wrongAddress = new Response('<html>Not Found', { status: 404 });

    it('when it is asked how it is', async () => {
      const find = (answer: Response): Promise<unknown> => {
        const { control, ask } = userOf([answer]);
        return ask(control.sidecar('sc-1'));
      };
      expect(await find(json(200, web))).toEqual({ kind: 'found', sidecar: web });
      expect(await find(notFound)).toEqual({ kind: 'unknown' });
      expect(await find(json(404, { error: { code: 'not_found' } }))).toEqual({ kind: 'unknown' });
      expect(await find(failure(410, 'gone'))).toEqual({ kind: 'gone' });
      expect(await find(new Response('', { status: 410 }))).toEqual({ kind: 'gone' });
      const error = await caught(find(wrongAddress));
      expect(error).toMatchObject({ code: 'provider.protocol', retryable: false, facts: { server, status: 404 } });
      expect(error.facts['reason']).toContain('is this the right server?');
    });

    it.each([
      [204, undefined, 'deleted'],
      [404, { error: { code: 'not_found', message: '' } }, 'unknown'],
      [410, { error: { code: 'gone', message: '' } }, 'deleted'],
      [410, undefined, 'deleted'],
    ])('when it is deleted: by %d', async (status, body, deletion) => {
      const answer = new Response(body === undefined ? null : JSON.stringify(body), { status });
      const { control, asked, ask } = userOf([answer]);
      expect(await ask(control.delete('sc-1'))).toBe(deletion);
      expect(asked).toHaveLength(1);
    });

    it('when it is deleted and nobody knows whose 404 it is: then the list tells', async () => {
      const gone = userOf([wrongAddress, json(200, { sidecars: [] })]);
      expect(await gone.ask(gone.control.delete('sc-1'))).toBe('unknown');
      for (const second of [wrongAddress, json(200, { sidecars: [web] }), json(200, { sidecars: [{ id: 'sc-1' }] })]) {
        const { control, ask } = userOf([wrongAddress, second]);
        expect(await caught(ask(control.delete('sc-1')))).toMatchObject({ code: 'provider.protocol' });
      }
    });

    it('when it is resumed', async () => {
      const resume = (answer: Response): Promise<string> => {
        const { control, ask } = userOf([answer]);
        return ask(control.resume('sc-1'));
      };
      expect(await resume(new Response(null, { status: 202 }))).toBe('accepted');
      expect(await resume(failure(409, 'conflict', 'it is being resumed'))).toBe('accepted');
      expect(await resume(notFound)).toBe('unknown');
      expect(await resume(failure(410, 'gone'))).toBe('gone');
      expect(await caught(resume(wrongAddress))).toMatchObject({ code: 'provider.protocol' });
      expect(await caught(resume(failure(503)))).toMatchObject({ code: 'provider.unavailable', retryable: true });
    });
  });

  it.each([
    [201, undefined],
    [409, undefined],
    [409, { error: { code: 'exists', message: 'it is there' } }],
  ])('has a key registered with %d', async (status, body) => {
    const { control, ask } = userOf([new Response(body === undefined ? null : JSON.stringify(body), { status })]);
    await ask(control.registerKey({ title: 'me', publicKey: 'ssh-ed25519 AAAA' }));
  });

  it('tells of whom a name that is taken is', async () => {
    const { control, ask } = userOf([json(409, { error: { code: 'already_exists' }, sidecar: web })]);
    expect(await ask(control.create(newSidecar))).toEqual({ kind: 'exists', sidecar: web });
    const other = userOf([failure(409, 'conflict', 'the region is full')]);
    const error = await caught(other.ask(other.control.create(newSidecar)));
    expect(error).toMatchObject({ code: 'provider.failed', facts: { reason: 'the region is full (409 Conflict)' } });
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('Ctrl-C');
    const { control, ask } = userOf([new NoAnswer('cut', 'cut', { retryable: true })]);
    const signal = AbortSignal.abort(reason);
    await expect(ask(control.create(newSidecar, { signal }))).rejects.toBe(reason);
    await expect(ask(control.sidecars({ signal }))).rejects.toBe(reason);
  });
});
