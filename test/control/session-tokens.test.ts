import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { AccessTokens } from '../../src/control/access-tokens.js';
import type { Finishing } from '../../src/control/finishing.js';
import { sender, type Send } from '../../src/control/http/send.js';
import { logIn } from '../../src/control/login/log-in.js';
import { openAccessTokens, type AccessTokensOptions } from '../../src/control/open-access-tokens.js';
import { Sessions } from '../../src/control/tokens/sessions.js';
import { builtLibrary } from '../fakes/built-program.js';
import { startOidcServer, type OidcServer } from '../fakes/oidc-server.js';

const reason = 'SIDECAR_TOKEN holds what no token holds';
const env = { SIDECAR_TOKEN_STORAGE: 'file' };

/** What is waited for until a test says so. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('the tokens of a session', () => {
  let stateDir: string;
  let server: OidcServer;
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-tokens-'));
    server = await startOidcServer();
  });
  afterEach(async () => {
    await server.stop();
    await rm(stateDir, { recursive: true });
  });

  const base = (): AccessTokensOptions => ({ server: server.url, env, stateDir, clock: systemClock });
  const open = (options: Partial<AccessTokensOptions> = {}): AccessTokens =>
    openAccessTokens({ ...base(), ...options });
  const kept = () => new Sessions({ env, stateDir }).read(server.url);
  const refreshes = (): URLSearchParams[] => server.asked.filter((form) => form.get('grant_type') === 'refresh_token');

  async function loggedIn(): Promise<string> {
    const login = logIn({
      ...base(),
      keyTitle: 'test',
      onStorage: () => undefined,
      onPrompt: () => undefined,
      onTrouble: () => undefined,
    });
    login.catch(() => undefined);
    await server.approve(await server.nextPage());
    await login;
    return (await kept())?.session.accessToken ?? '';
  }

  /** As if so much time had passed since the login. */
  const later = (seconds: number) => ({ timeOfDay: () => Date.now() + seconds * 1000 });

  it('is asked for by `login.required` where there is none', async () => {
    await expect(open().token()).rejects.toMatchObject({ code: 'login.required', facts: { server: server.url } });
  });

  it('is that of the environment as it is, which is not renewed', async () => {
    const tokens = open({ env: { ...env, SIDECAR_TOKEN: 'given' } });
    expect(await tokens.token()).toBe('given');
    const facts = { fromEnvironment: true };
    await expect(tokens.token({ refused: 'given' })).rejects.toMatchObject({ code: 'login.required', facts });
    expect(server.asked).toEqual([]);
  });

  it.each(['two\nlines', 'a secr\u0000et', 'schlüssel'])('is never what no token can be', (SIDECAR_TOKEN) => {
    const facts = { variable: 'SIDECAR_TOKEN', reason };
    const invalid = expect.objectContaining({ code: 'settings.invalid', facts }) as Error;
    expect(() => open({ env: { SIDECAR_TOKEN } })).toThrow(invalid);
  });

  it.each(['https://other.example', 'http://127.0.0.1:9'])(
    'is not that of the environment where SIDECAR_SERVER says that it is for %s',
    async (SIDECAR_SERVER) => {
      const tokens = open({ env: { ...env, SIDECAR_TOKEN: 'given', SIDECAR_SERVER } });
      const facts = { server: server.url, otherToken: SIDECAR_SERVER };
      await expect(tokens.token()).rejects.toMatchObject({ code: 'login.required', facts });
      const session = await loggedIn();
      expect(await tokens.token()).toBe(session);
    },
  );

  it('is that of the environment for the server of SIDECAR_SERVER, however its address is written', async () => {
    const SIDECAR_SERVER = 'HTTPS://Sidecars.Example:443/base/';
    const tokens = (url: string) => open({ server: url, env: { SIDECAR_TOKEN: 'given', SIDECAR_SERVER } });
    expect(await tokens('https://sidecars.example/base').token()).toBe('given');
    await expect(tokens('https://sidecars.example').token()).rejects.toMatchObject({ code: 'login.required' });
    const invalid = expect.objectContaining({ code: 'usage.invalid' }) as Error;
    expect(() => open({ env: { SIDECAR_TOKEN: 'given', SIDECAR_SERVER: 'nowhere' } })).toThrow(invalid);
  });

  it('may end in the line end of the file that it comes from', async () => {
    expect(await open({ env: { SIDECAR_TOKEN: 'given\n' } }).token()).toBe('given');
  });

  it('is the same for as long as it is good', async () => {
    const first = await loggedIn();
    expect(await open().token()).toBe(first);
    expect(await open(later(3600 - 90)).token()).toBe(first);
    expect(refreshes()).toEqual([]);
  });

  it('is renewed a minute before it ends, and what renews it is replaced', async () => {
    const first = await loggedIn();
    const before = (await kept())?.session.refreshToken;
    const tokens = open(later(3600 - 30));
    const second = await tokens.token();
    expect(second).not.toBe(first);
    expect((await kept())?.session).toMatchObject({ accessToken: second, account: { sub: 'ada' } });
    expect((await kept())?.session.refreshToken).not.toBe(before);
    expect(await open().token()).toBe(second);
  });

  it('is renewed where it was refused, once for all who were refused it', async () => {
    const refused = await loggedIn();
    const [one, other] = [open(), open()];
    const renewed = await Promise.all([one.token({ refused }), other.token({ refused }), one.token({ refused })]);
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(refused);
    expect(refreshes()).toHaveLength(1);
  });

  it('is renewed by one of several processes, and none of them loses the session', async () => {
    const refused = await loggedIn();
    const program = `
      const { openAccessTokens, systemClock } = require(process.argv[1]);
      const [server, stateDir, refused] = process.argv.slice(2);
      openAccessTokens({ server, stateDir, env: {}, clock: systemClock })
        .token({ refused })
        .then((token) => process.stdout.write(token));`;
    const renew = () =>
      promisify(execFile)(process.execPath, ['-e', program, builtLibrary, server.url, stateDir, refused]);
    const said = (await Promise.all([renew(), renew(), renew()])).map(({ stdout }) => stdout);
    expect(new Set(said)).toEqual(new Set([(await kept())?.session.accessToken]));
    expect(said[0]).not.toBe(refused);
    expect(refreshes()).toHaveLength(1);
  });

  it.each(['reset', 'status', 'hang'] as const)('survives a renewal that gets no answer: %s', async (kind) => {
    const refused = await loggedIn();
    server.faults.push(kind === 'status' ? { kind, status: 502 } : { kind });
    // What is answered has its time.
    const limit = () => (server.faults.length > 0 ? { limitMs: 1_000 } : {});
    const tokens = open({ send: (request) => sender({ env: {}, ...limit() })(request) });
    await expect(tokens.token({ refused })).rejects.toMatchObject({ code: 'server.unreachable' });
    expect(await tokens.token({ refused })).not.toBe(refused);
  });

  it('survives a server that is gone', async () => {
    const refused = await loggedIn();
    await server.stop();
    await expect(open().token({ refused })).rejects.toMatchObject({ code: 'server.unreachable' });
    expect(await kept()).toMatchObject({ session: { accessToken: refused } });
  }, 60_000);

  it('is over once the server says so', async () => {
    const refused = await loggedIn();
    server.faults.push({ kind: 'error', error: 'invalid_grant' });
    const reason = 'the server has ended the session';
    await expect(open().token({ refused })).rejects.toMatchObject({ code: 'login.required', facts: { reason } });
    expect(await kept()).toBeUndefined();
    await expect(open().token()).rejects.toMatchObject({ code: 'login.required' });
  });

  it('is over once an answer that renewed it was lost, and that is said', async () => {
    const refused = await loggedIn();
    server.faults.push({ kind: 'lost' });
    await expect(open().token({ refused })).rejects.toMatchObject({ code: 'server.unreachable' });
    const reason = expect.stringContaining('the answer to an earlier renewal was lost') as string;
    await expect(open().token({ refused })).rejects.toMatchObject({ code: 'login.required', facts: { reason } });
    expect(await kept()).toBeUndefined();
  });

  it('is over once an answer that renewed it could not be used, and that is said', async () => {
    const refused = await loggedIn();
    const send: Send = async (request) => {
      const answer = await sender({ env: {} })(request);
      return request.url.endsWith('/token') ? Response.json({ access_token: 'two words' }) : answer;
    };
    await expect(open({ send }).token({ refused })).rejects.toMatchObject({ code: 'login.failed' });
    const reason = expect.stringContaining('the answer to an earlier renewal was lost') as string;
    await expect(open().token({ refused })).rejects.toMatchObject({ code: 'login.required', facts: { reason } });
  });

  it('is not waited for any longer once the caller is interrupted, and kept all the same when it comes', async () => {
    const refused = await loggedIn();
    const interrupted = new AbortController();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const asked = new Promise<void>((resolve) => {
      const send = sender({ env: {} });
      const holding: typeof send = async (request) => {
        const answer = await send(request);
        if (request.url.endsWith('/token')) {
          resolve();
          await held;
        }
        return answer;
      };
      open({ send: holding })
        .token({ refused, signal: interrupted.signal })
        .catch(() => undefined);
    });
    await asked;
    const reason = new Error('Ctrl-C');
    const waiting = open().token({ refused, signal: interrupted.signal });
    interrupted.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    release();
    expect(await open().token({ refused })).not.toBe(refused);
    expect(refreshes()).toHaveLength(1);
  });

  it('is renewed by work that whoever interrupts is to wait for, from the request until it is stored', async () => {
    const refused = await loggedIn();
    const interrupted = new AbortController();
    const unfinished: Promise<unknown>[] = [];
    const release = gate();
    const held = gate();
    server.faults.push({ kind: 'held', until: release.opened, onHeld: held.open });
    const finishing: Finishing = (work) => {
      unfinished.push(work);
      return work;
    };
    const waiting = open({ finishing }).token({ refused, signal: interrupted.signal });
    waiting.catch(() => undefined);
    await held.opened;
    interrupted.abort(new Error('Ctrl-C'));
    await expect(waiting).rejects.toThrow('Ctrl-C');
    expect(unfinished).toHaveLength(1);
    release.open();
    await Promise.all(unfinished);
    expect((await kept())?.session.accessToken).not.toBe(refused);
    expect(await kept()).not.toHaveProperty('renewing');
  });

  it('is not asked for any more where the caller was interrupted before', async () => {
    const refused = await loggedIn();
    const interrupted = new AbortController();
    const unfinished: Promise<unknown>[] = [];
    const discovered = gate();
    const send: Send = async (request) => {
      const answer = await sender({ env: {} })(request);
      interrupted.abort(new Error('Ctrl-C'));
      setImmediate(discovered.open);
      return answer;
    };
    const finishing: Finishing = (work) => {
      unfinished.push(work);
      return work;
    };
    const waiting = open({ send, finishing }).token({ refused, signal: interrupted.signal });
    await expect(waiting).rejects.toThrow('Ctrl-C');
    await discovered.opened;
    // Whoever renews next waits for the end of that.
    expect(await open().token({ refused })).not.toBe(refused);
    expect([refreshes().length, unfinished]).toEqual([1, []]);
  });

  it('is told nowhere but in its own file', async () => {
    const token = await loggedIn();
    expect(await readFile(join(stateDir, 'logins.json'), 'utf8')).not.toContain(token);
  });
});
