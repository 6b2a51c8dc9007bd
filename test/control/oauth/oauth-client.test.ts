import { describe, expect, it } from 'vitest';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import type { Asked, Send } from '../../../src/control/http/send.js';
import { openOAuthClient, type OAuthClient } from '../../../src/control/oauth/oauth-client.js';
import { fakeClock } from '../../fakes/clock.js';

const at = (base: string): Record<string, unknown> => ({
  issuer: base,
  device_authorization_endpoint: `${base}/device/auth`,
  token_endpoint: `${base}/token`,
  revocation_endpoint: `${base}/token/revocation`,
});

/** A server that has these documents and nothing else; an error is what a request fails with, once. */
function having(documents: Record<string, unknown>, failures: Error[] = []) {
  const asked: Asked[] = [];
  const send: Send = (request) => {
    asked.push(request);
    const failure = failures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    const document = documents[request.url];
    return Promise.resolve(
      document === undefined ? new Response('<h1>no</h1>', { status: 404 }) : Response.json(document),
    );
  };
  const clock = fakeClock();
  const open = (server: string): Promise<OAuthClient> => clock.until(openOAuthClient({ server, send, clock }));
  return { open, urls: () => asked.map(({ url }) => url) };
}

const server = 'https://sidecars.example/team';
const openid = `${server}/.well-known/openid-configuration`;
const rfc8414 = 'https://sidecars.example/.well-known/oauth-authorization-server/team';

describe('the login of a control plane', () => {
  it('is described by OpenID Connect', async () => {
    const { open, urls } = having({ [openid]: at(server) });
    expect(await open(server)).toMatchObject({ issuer: server });
    expect(urls()).toEqual([openid]);
  });

  it('is described by RFC 8414 else', async () => {
    const { open, urls } = having({ [rfc8414]: at(server) });
    expect(await open(server)).toMatchObject({ issuer: server });
    expect(urls()).toEqual([openid, rfc8414]);
  });

  it('may be elsewhere on https', async () => {
    const { open } = having({ [openid]: at('https://login.example') });
    expect(await open(server)).toMatchObject({ issuer: 'https://login.example' });
  });

  it('may be on plain http on this machine, for a server there', async () => {
    const here = 'http://127.0.0.1:8080';
    const { open } = having({ [`${here}/.well-known/openid-configuration`]: at(here) });
    expect(await open(here)).toMatchObject({ issuer: here });
  });

  it.each([
    ['issuer', 'http://login.example'],
    ['token_endpoint', 'http://sidecars.example/token'],
    ['token_endpoint', 'http://127.0.0.1:9/token'],
    ['device_authorization_endpoint', 'http://sidecars.example/device/auth'],
    ['revocation_endpoint', 'ftp://sidecars.example/revoke'],
    ['userinfo_endpoint', 'nowhere'],
  ])('is refused where its %s is %s', async (name, value) => {
    const { open } = having({ [openid]: { ...at(server), [name]: value } });
    await expect(open(server)).rejects.toMatchObject({
      code: 'login.failed',
      facts: { reason: `its ${name} is not on https: ${value}` },
    });
  });

  it('is refused where a server of this machine sends elsewhere on plain http', async () => {
    const here = 'http://localhost:8080';
    const { open } = having({
      [`${here}/.well-known/openid-configuration`]: { ...at(here), token_endpoint: 'http://sidecars.example/token' },
    });
    await expect(open(here)).rejects.toMatchObject({ code: 'login.failed' });
  });

  it('is asked for again while the server is not there', async () => {
    const reset = new NoAnswer('cut', 'the connection was reset', { retryable: true });
    const { open, urls } = having({ [openid]: at(server) }, [reset, reset]);
    expect(await open(server)).toMatchObject({ issuer: server });
    expect(urls()).toEqual([openid, openid, openid]);
  });

  it('cannot be had of a server that is never there', async () => {
    const refused = new NoAnswer('not reached', 'connection refused', { retryable: true });
    const { open } = having(
      {},
      Array.from({ length: 50 }, () => refused),
    );
    await expect(open(server)).rejects.toMatchObject({
      code: 'server.unreachable',
      facts: { server, reason: 'connection refused' },
      cause: refused,
    });
  });

  it('cannot be had of what is no control plane', async () => {
    await expect(having({}).open(server)).rejects.toMatchObject({
      code: 'login.failed',
      facts: { server, reason: `no control plane is there (${rfc8414}: it answers 404)` },
    });
    await expect(having({ [openid]: 'hello', [rfc8414]: [] }).open(server)).rejects.toMatchObject({
      code: 'login.failed',
    });
  });
});
