import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import { sender, type Asked, type Send } from '../../../src/control/http/send.js';
import { logIn, type LogInOptions } from '../../../src/control/login/log-in.js';
import { logOut } from '../../../src/control/login/log-out.js';
import { whoAmI } from '../../../src/control/login/who-am-i.js';
import { Sessions } from '../../../src/control/tokens/sessions.js';
import { fakeKeyring, noKeyring } from '../../fakes/keyring.js';
import { startOidcServer, type OidcServer, type TokenFault } from '../../fakes/oidc-server.js';

describe('a login', () => {
  let stateDir: string;
  let server: OidcServer;
  let asked: Asked[];
  let prompts: number;
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-login-'));
    server = await startOidcServer();
    asked = [];
    prompts = 0;
  });
  afterEach(async () => {
    await server.stop();
    await rm(stateDir, { recursive: true });
  });

  const sending: Send = (request) => {
    asked.push(request);
    // What is answered has its time.
    const limit = server.faults[0]?.kind === 'hang' ? { limitMs: 2_000 } : {};
    return sender({ env: {}, ...limit })(request);
  };
  const options = (more: Partial<LogInOptions> = {}): LogInOptions => ({
    ...{ server: server.url, env: {}, stateDir, clock: systemClock, keyTitle: 'sidecar on ada' },
    ...{ send: sending, openKeyring: noKeyring },
    onStorage: () => undefined,
    onPrompt: () => (prompts += 1),
    onTrouble: () => undefined,
    ...more,
  });
  const start = (more: Partial<LogInOptions> = {}): ReturnType<typeof logIn> => {
    const login = logIn(options(more));
    login.catch(() => undefined);
    return login;
  };
  const approved = async (more: Partial<LogInOptions> = {}, ...faults: TokenFault[]): ReturnType<typeof logIn> => {
    let release: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => (release = resolve));
    const send: Send = async (request) => {
      if (request.url.endsWith('/token')) await decided;
      return sending(request);
    };
    const login = start({ send, ...more });
    await server.approve(await server.nextPage());
    server.faults.push(...faults);
    release();
    return login;
  };
  const kept = () => new Sessions({ env: {}, stateDir, openKeyring: noKeyring }).read(server.url);
  const keyRequests = (): Asked[] => asked.filter(({ url }) => url.endsWith('/v1/keys'));

  it('keeps the session and registers the key of this machine', async () => {
    expect(await approved()).toEqual({ account: { sub: 'ada' }, storage: 'file', approved: true, key: 'registered' });
    const session = (await kept())?.session;
    expect(session).toMatchObject({ issuer: server.url, account: { sub: 'ada' } });
    expect(server.keys).toEqual([
      {
        title: 'sidecar on ada',
        publicKey: expect.stringMatching(/^ssh-ed25519 AAAA\S+$/) as string,
        authorization: `Bearer ${session?.accessToken}`,
      },
    ]);
  });

  it('keeps it in the keyring where there is one', async () => {
    const { open, held } = fakeKeyring();
    expect(await approved({ openKeyring: open })).toMatchObject({ storage: 'keyring' });
    expect([...held.keys()]).toEqual([expect.stringContaining(`${server.url} (state `)]);
    expect(await readdir(join(stateDir, 'tokens'))).toEqual([]);
  });

  it('asks the user for nothing where the keyring is locked', async () => {
    const { open } = fakeKeyring({ locked: true });
    await expect(start({ openKeyring: open })).rejects.toMatchObject({ code: 'login.storage' });
    expect([prompts, asked.length]).toEqual([0, 0]);
  });

  it('can be had in a file although the keyring with the earlier one is locked', async () => {
    await approved({ openKeyring: fakeKeyring().open });
    const { open } = fakeKeyring({ locked: true });
    const env = { SIDECAR_TOKEN_STORAGE: 'file' };
    expect(await approved({ openKeyring: open, env })).toMatchObject({ storage: 'file', approved: true, key: 'known' });
    expect(await kept()).toMatchObject({ storage: 'file' });
  });

  it('needs no second approval while the session is good', async () => {
    await approved();
    expect(await start()).toEqual({ account: { sub: 'ada' }, storage: 'file', approved: false, key: 'known' });
    expect(prompts).toBe(1);
  });

  it('is asked for anew where the server does not take the session any more', async () => {
    await approved();
    server.keysAnswer = 401;
    const again = start();
    await server.approve(await server.nextPage());
    server.keysAnswer = undefined;
    expect(await again).toMatchObject({ approved: true, key: 'known' });
  });

  it.each(['invalid_request', 'access_denied'])(
    'is asked for anew where the renewal is refused by %s',
    async (error) => {
      await approved();
      const before = (await kept())?.session.accessToken;
      server.faults.push({ kind: 'error', error });
      const refusing: Send = async (request) =>
        request.headers['authorization'] === `Bearer ${before}`
          ? new Response(null, { status: 401 })
          : sending(request);
      const again = start({ send: refusing });
      await server.approve(await server.nextPage());
      expect(await again).toMatchObject({ approved: true, key: 'known' });
      expect(prompts).toBe(2);
    },
  );

  it('is not asked for anew where only the renewal gets no answer', async () => {
    await approved();
    server.faults.push({ kind: 'status', status: 502 });
    server.keysAnswer = 401;
    await expect(start()).rejects.toMatchObject({ code: 'server.unreachable' });
    expect(prompts).toBe(1);
  });

  it('needs no second approval where the session is only to be renewed', async () => {
    await approved();
    const before = (await kept())?.session.accessToken;
    const refusing: Send = async (request) =>
      request.headers['authorization'] === `Bearer ${before}` ? new Response(null, { status: 401 }) : sending(request);
    expect(await start({ send: refusing })).toMatchObject({ approved: false, key: 'known' });
    expect(prompts).toBe(1);
    expect((await kept())?.session.accessToken).not.toBe(before);
  });

  it('is kept though the server cannot be asked to register the key, which is said', async () => {
    await approved();
    const deaf: Send = (request) =>
      request.url.endsWith('/v1/keys')
        ? Promise.reject(new NoAnswer('not reached', 'connection refused', { retryable: true }))
        : sending(request);
    await expect(start({ send: deaf })).rejects.toMatchObject({
      code: 'server.unreachable',
      facts: { reason: 'connection refused', suggestion: expect.stringContaining('you are logged in') as string },
    });
  });

  it.each([500, 403, 404])('is kept though the key cannot be registered (%d), which is tried once', async (status) => {
    server.keysAnswer = status;
    await expect(approved()).rejects.toMatchObject({
      code: 'login.failed',
      facts: {
        status,
        reason: expect.stringContaining(`status ${status}`) as string,
        suggestion: expect.stringContaining('you are logged in') as string,
      },
    });
    expect(keyRequests()).toHaveLength(1);
    server.keysAnswer = undefined;
    expect(await start()).toMatchObject({ approved: false, key: 'registered' });
    expect(prompts).toBe(1);
  });

  it('with SIDECAR_TOKEN only registers the key, and keeps nothing', async () => {
    const env = { SIDECAR_TOKEN: 'given' };
    expect(await start({ env })).toMatchObject({ storage: 'environment', approved: false, key: 'registered' });
    expect(server.keys[0]?.authorization).toBe('Bearer given');
    expect([await kept(), prompts]).toEqual([undefined, 0]);
    server.keysAnswer = 401;
    await expect(start({ env })).rejects.toMatchObject({ code: 'login.required', facts: { fromEnvironment: true } });
  });

  it('is known by the server where the token is that of the environment', async () => {
    await approved();
    const whoseIs = (token = '') => whoAmI({ ...options(), env: { SIDECAR_TOKEN: token } });
    const token = (await kept())?.session.accessToken;
    expect(await whoseIs(token)).toMatchObject({ account: { sub: 'ada' }, storage: 'environment', renewable: false });
    const error = { code: 'login.required', facts: { fromEnvironment: true } };
    await expect(whoseIs('another')).rejects.toMatchObject(error);
  });

  it('asks again whose token it is where a gateway fails', async () => {
    await approved();
    const token = (await kept())?.session.accessToken;
    const failures = [503];
    const send: Send = (request) => {
      const status = request.url.endsWith('/me') ? failures.shift() : undefined;
      return status === undefined ? sending(request) : Promise.resolve(new Response(null, { status }));
    };
    expect(await whoAmI({ ...options({ send }), env: { SIDECAR_TOKEN: token } })).toMatchObject({
      account: { sub: 'ada' },
    });
    expect(failures).toEqual([]);
  });

  it('needs an approval where SIDECAR_TOKEN is for another server', async () => {
    const otherToken = 'https://other.example';
    const env = { SIDECAR_TOKEN: 'given', SIDECAR_SERVER: otherToken };
    const facts = { server: server.url, otherToken };
    await expect(whoAmI({ ...options(), env })).rejects.toMatchObject({ code: 'login.required', facts });
    expect(await approved({ env })).toMatchObject({ storage: 'file', approved: true });
    expect(await whoAmI({ ...options(), env })).toMatchObject({ account: { sub: 'ada' }, storage: 'file' });
    expect(asked.map(({ headers }) => headers['authorization'])).not.toContain('Bearer given');
  });

  it('outlasts connections that are reset, gateways that fail and answers that do not come', async () => {
    const faults: TokenFault[] = [{ kind: 'reset' }, { kind: 'status', status: 502 }, { kind: 'hang' }];
    expect(await approved({}, ...faults)).toMatchObject({ approved: true });
  });

  it.each(['truncated', 'lost'] as const)('says so where its approval went with a %s answer', async (kind) => {
    await expect(approved({}, { kind })).rejects.toMatchObject({ code: 'login.lost', facts: { server: server.url } });
    expect(await kept()).toBeUndefined();
  });

  it('is denied when the user says no', async () => {
    const login = start();
    await server.deny(await server.nextPage());
    await expect(login).rejects.toMatchObject({ code: 'login.denied' });
  });

  it('says what the server says, unless that can hold a secret', async () => {
    const described = (description: string): TokenFault => ({ kind: 'error', error: 'invalid_client', description });
    const long = `ask ops@example.com \u001b[31m${'for a client of your own, '.repeat(20)}`;
    server.faults.push(described(long));
    await expect(start()).rejects.toMatchObject({ code: 'login.failed', facts: { reason: `invalid_client: ${long}` } });
    server.faults.push(described('no code a4Hu06fUdUGCmecDO29O1mf22m3DIHUi5uC3jW90aSB'));
    await expect(start()).rejects.toMatchObject({ code: 'login.failed', facts: { reason: 'invalid_client' } });
  });

  it('ends at once on Ctrl-C while an answer is waited for', async () => {
    const interrupted = new AbortController();
    const reason = new Error('Ctrl-C');
    const send: Send = (request) => {
      if (request.url.endsWith('/token')) interrupted.abort(reason);
      return sending(request);
    };
    server.faults.push({ kind: 'hang' });
    await expect(start({ send, signal: interrupted.signal })).rejects.toBe(reason);
  });

  describe('that is over', () => {
    const outOptions = () => ({ server: server.url, env: {}, stateDir, clock: systemClock, send: sending });

    it('is revoked, both its tokens, and gone', async () => {
      await approved();
      const session = (await kept())?.session;
      expect(await logOut(outOptions())).toEqual({ kind: 'revoked' });
      expect(server.revoked).toEqual([session?.refreshToken, session?.accessToken]);
      expect(await kept()).toBeUndefined();
      await expect(whoAmI(outOptions())).rejects.toMatchObject({ code: 'login.required' });
      expect(await logOut(outOptions())).toEqual({ kind: 'was not' });
    });

    it('is gone where it was revoked before Ctrl-C, and kept where it was not', async () => {
      await approved();
      const reason = new Error('Ctrl-C');
      const interruptedAt = (end: string) => {
        const interrupted = new AbortController();
        const send: Send = async (request) => {
          const answer = await sending(request);
          if (server.revoked.length === 2 || request.url.endsWith(end)) interrupted.abort(reason);
          return answer;
        };
        return logOut({ ...outOptions(), send, signal: interrupted.signal });
      };
      await expect(interruptedAt('/openid-configuration')).rejects.toBe(reason);
      expect(await kept()).toBeDefined();
      expect(await interruptedAt('never')).toEqual({ kind: 'revoked' });
      expect(await kept()).toBeUndefined();
    });

    it('is gone from here though the server is not there', async () => {
      await approved();
      await server.stop();
      const error = expect.objectContaining({ code: 'server.unreachable' }) as Error;
      expect(await logOut(outOptions())).toEqual({ kind: 'only here', error });
      expect(await kept()).toBeUndefined();
    });
  });
});

it('an outage that outlasts the code is told as that, soon after', async () => {
  await using server = await startOidcServer({ codeSeconds: 4 });
  const stateDir = await mkdtemp(join(tmpdir(), 'sidecar-login-'));
  server.faults.push({ kind: 'hang' });
  const login = logIn({
    ...{ server: server.url, env: { SIDECAR_TOKEN_STORAGE: 'file' }, stateDir, clock: systemClock, keyTitle: 'key' },
    onStorage: () => undefined,
    onPrompt: () => undefined,
    onTrouble: () => undefined,
  });
  // What is left of the code's time after the first interval, and the 3 s after it.
  const reason = expect.stringMatching(/^no answer within [3-6]\b/) as string;
  await expect(login).rejects.toMatchObject({ code: 'server.unreachable', facts: { reason } });
  await rm(stateDir, { recursive: true });
});

it('a code that nobody confirms ends with its time', async () => {
  await using server = await startOidcServer({ codeSeconds: 2 });
  const stateDir = await mkdtemp(join(tmpdir(), 'sidecar-login-'));
  const login = logIn({
    ...{ server: server.url, env: { SIDECAR_TOKEN_STORAGE: 'file' }, stateDir, clock: systemClock, keyTitle: 'key' },
    onStorage: () => undefined,
    onPrompt: () => undefined,
    onTrouble: () => undefined,
  });
  await expect(login).rejects.toMatchObject({ code: 'login.expired' });
  await rm(stateDir, { recursive: true });
});
