import { describe, expect, it } from 'vitest';
import { BusyAnswer } from '../../../src/control/http/busy-answer.js';
import { NoAnswer } from '../../../src/control/http/no-answer.js';
import type { Send } from '../../../src/control/http/send.js';
import { SidecarError } from '../../../src/errors.js';
import { oauthFailure, OAuthFault, OAuthRefusal } from '../../../src/control/oauth/failure.js';
import { openOAuthClient } from '../../../src/control/oauth/oauth-client.js';
import { fakeClock } from '../../fakes/clock.js';

const server = 'https://sidecars.example';
const json = { 'content-type': 'application/json' };
const secret = 'correct-horse';

/** What a request for tokens fails with that gets this. */
async function failureOf(answer: () => Response | Promise<Response>): Promise<unknown> {
  const described = { issuer: server, token_endpoint: `${server}/token` };
  const send: Send = ({ url }) => Promise.resolve(url.endsWith('/token') ? answer() : Response.json(described));
  const { library, configuration } = await openOAuthClient({ server, send, clock: fakeClock() });
  return library.refreshTokenGrant(configuration, secret).then(
    () => undefined,
    (thrown: unknown) => oauthFailure(thrown, [secret]),
  );
}

const refused = (content: unknown, status = 400): Response =>
  new Response(JSON.stringify(content), { status, headers: json });

describe('a request for tokens that fails', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 520])('may pass where the server answers %d', async (status) => {
    expect(await failureOf(() => new Response('<h1>', { status }))).toMatchObject({ status, retryable: true });
  });

  it('takes 429 as an answer where it is one to a poll', async () => {
    const error = await failureOf(() => refused({ error: 'slow_down' }, 429));
    expect(error).toEqual(new OAuthRefusal('slow_down', undefined));
    expect(await failureOf(() => refused({ error: 'quota' }, 429))).toBeInstanceOf(BusyAnswer);
  });

  it('is what the connection failed of', async () => {
    const cut = new NoAnswer('cut', 'the connection was reset', { retryable: true });
    expect(await failureOf(() => Promise.reject(cut))).toBe(cut);
  });

  it('is what kept it from being sent, where that is a matter of settings', async () => {
    const invalid = new SidecarError('usage.invalid', { reason: 'NODE_EXTRA_CA_CERTS cannot be read' });
    expect(await failureOf(() => Promise.reject(invalid))).toBe(invalid);
  });

  it('is none where the server writes what it does not say as null', async () => {
    const content = { access_token: 'a', token_type: 'Bearer', refresh_token: null, id_token: null, expires_in: null };
    expect(await failureOf(() => Response.json(content))).toBeUndefined();
  });

  it('says what is wrong with an answer', async () => {
    const error = await failureOf(() => Response.json({ access_token: secret }));
    expect(error).toBeInstanceOf(OAuthFault);
    expect((error as Error).message).toContain('token_type');
    expect(String((error as Error).stack)).not.toContain(secret);
  });

  it('may pass where the answer is not whole, of which nothing is kept', async () => {
    const half = `{"access_token": "${secret}", "refr`;
    const error = await failureOf(() => new Response(half, { headers: json }));
    expect(error).toMatchObject({ kind: 'cut', retryable: true });
    expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain(secret);
  });

  it('is what the server says', async () => {
    const error = await failureOf(() => refused({ error: 'invalid_grant', error_description: 'It is over.' }));
    expect(error).toEqual(new OAuthRefusal('invalid_grant', 'It is over.'));
  });

  it.each([400, 401])('is what the server says also where it challenges with %d in the headers', async (status) => {
    const headers = { ...json, 'www-authenticate': 'Basic realm="login"' };
    const error = await failureOf(() => new Response(JSON.stringify({ error: 'invalid_grant' }), { status, headers }));
    expect(error).toEqual(new OAuthRefusal('invalid_grant', undefined));
  });

  it('is what the server says also where it writes what it does not say as null', async () => {
    const error = await failureOf(() => refused({ error: 'authorization_pending', error_description: null }));
    expect(error).toEqual(new OAuthRefusal('authorization_pending', undefined));
  });

  it('may pass where a server in trouble answers like one that is asked too early', async () => {
    expect(await failureOf(() => refused({ error: 'authorization_pending' }, 503))).toBeInstanceOf(BusyAnswer);
  });

  it('does not say what is longer than any words', async () => {
    const error = await failureOf(() => refused({ error: 'invalid_grant', error_description: 'a'.repeat(1_000_000) }));
    expect(error).toEqual(new OAuthRefusal('invalid_grant', undefined));
  });

  it('says by what id the service knows the request', async () => {
    const description = 'AADSTS7000218: no client. Trace ID: 1f0cdb6a-9d2e-4f3b-8a11-0123456789ab';
    const error = await failureOf(() => refused({ error: 'invalid_client', error_description: description }));
    expect(error).toEqual(new OAuthRefusal('invalid_client', description));
  });

  it.each([`${secret} is over`, 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.x is over'])(
    'does not say %s',
    async (description) => {
      const error = await failureOf(() => refused({ error: 'invalid_grant', error_description: description }));
      expect(error).toEqual(new OAuthRefusal('invalid_grant', undefined));
    },
  );

  it('is told by its status where the server says nothing', async () => {
    const error = await failureOf(() => new Response('<h1>', { status: 404 }));
    expect(error).toMatchObject({ name: 'OAuthFault', message: 'it answers 404', status: 404 });
    const page = await failureOf(() => new Response('<h1>', { headers: { 'content-type': 'text/html' } }));
    expect(page).toMatchObject({ name: 'OAuthFault', message: 'it answers 200, and not in JSON', status: 200 });
  });

  it('stays what it is where it is a mistake of ours', async () => {
    const bug = new TypeError('x is not a function');
    expect(await failureOf(() => Promise.reject(bug))).toBe(bug);
  });
});
