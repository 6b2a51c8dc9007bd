import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../../src/transport/route/proxy.js';

const url = new URL('wss://web.example.com/ssh');
const proxy = { HTTPS_PROXY: 'http://proxy:3128' };

const wrong = (reason: string): Error => new Error(`not to be used: ${reason}`);

describe('the proxy for an encrypted connection', () => {
  it.each<[string, NodeJS.ProcessEnv, string | undefined]>([
    ['none', {}, undefined],
    ['that of HTTPS_PROXY', proxy, 'http://proxy:3128'],
    ['in lower case first', { ...proxy, https_proxy: 'http://lower:1' }, 'http://lower:1'],
    ['that of ALL_PROXY where there is no other', { ALL_PROXY: 'https://all:1' }, 'https://all:1'],
    ['not that of HTTP_PROXY', { HTTP_PROXY: 'http://plain:1' }, undefined],
    ['one that is written without a kind', { https_proxy: 'proxy:3128' }, 'http://proxy:3128'],
    ['none where it is empty', { HTTPS_PROXY: '', ALL_PROXY: '' }, undefined],
  ])('is %s', (_what, env, origin) => {
    expect(proxyFor(url, env, wrong)?.origin).toBe(origin);
  });

  it.each([
    '*',
    'web.example.com',
    'other, example.com',
    '.example.com',
    '*.example.com',
    'web.example.com:443',
    'WEB.example.com',
  ])('is none where NO_PROXY is %j', (list) => {
    expect(proxyFor(url, { ...proxy, NO_PROXY: list }, wrong)).toBeUndefined();
  });

  it.each(['other.com', 'ample.com', 'web.example.com:8443', 'web.example.com.evil', '10.0.0.0/8', ' , '])(
    'is there where NO_PROXY is %j',
    (list) => {
      expect(proxyFor(url, { ...proxy, no_proxy: list }, wrong)).toBeDefined();
    },
  );

  it.each([
    ['wss://10.1.2.3/', '10.0.0.0/8', true],
    ['wss://11.1.2.3/', '10.0.0.0/8', false],
    ['wss://10.1.2.3/', '10.1.2.3', true],
    ['wss://[fd00::1]/', 'fd00::/8', true],
    ['wss://[fd00::1]/', 'fd00::1', true],
    ['wss://[fd00::1]:8443/', '[fd00::1]:8443', true],
    ['wss://10.1.2.3/', '10.0.0.0/99', false],
  ])('to %s, with %s in NO_PROXY, is none: %s', (to, list, isNone) => {
    expect(proxyFor(new URL(to), { ...proxy, NO_PROXY: list }, wrong) === undefined).toBe(isNone);
  });

  it.each(['socks5://user:secret@proxy:1080', 'http://user:secret@:bad'])(
    'that cannot be used is refused without its password: %s',
    (value) => {
      const refused = (): unknown => proxyFor(url, { HTTPS_PROXY: value }, wrong);
      expect(refused).toThrow(/^not to be used: the proxy in the environment is/);
      expect(refused).not.toThrow(/secret/);
    },
  );
});
