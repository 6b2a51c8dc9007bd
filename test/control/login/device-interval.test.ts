import { describe, expect, it } from 'vitest';
import type { Send } from '../../../src/control/http/send.js';
import { requestDeviceCode } from '../../../src/control/login/device-code.js';
import { openOAuthClient } from '../../../src/control/oauth/oauth-client.js';
import { fakeClock } from '../../fakes/clock.js';

const server = 'https://sidecars.example';
const endpoint = `${server}/device`;
const described = { issuer: server, device_authorization_endpoint: endpoint, token_endpoint: `${server}/token` };
const code = { device_code: 'd', user_code: 'u', verification_uri: `${server}/open`, expires_in: 600 };

describe('a login from a command line', () => {
  it.each([
    [10, 10_000],
    ['7', 7_000],
    [0, undefined],
    [-1, undefined],
    ['soon', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('is asked about at the interval %s in seconds: %s ms', async (interval, intervalMs) => {
    const send: Send = ({ url }) =>
      Promise.resolve(Response.json(url === endpoint ? { ...code, interval } : described));
    const client = await openOAuthClient({ server, send, clock: fakeClock() });
    expect(await requestDeviceCode(client, { server })).toMatchObject({ intervalMs, prompt: { userCode: 'u' } });
  });
});
