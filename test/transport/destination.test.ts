import { describe, expect, it } from 'vitest';
import { parseDestination } from '../../src/transport/destination.js';

describe('parseDestination', () => {
  it.each([
    ['dev', { host: 'dev' }],
    ['dev.example.com:2222', { host: 'dev.example.com', port: 2222 }],
    ['ada@dev', { user: 'ada', host: 'dev' }],
    ['ada@dev:22', { user: 'ada', host: 'dev', port: 22 }],
    ['ada@corp@dev', { user: 'ada@corp', host: 'dev' }],
    ['corp\\ada@dev', { user: 'corp\\ada', host: 'dev' }],
    ['192.0.2.1:65535', { host: '192.0.2.1', port: 65_535 }],
    ['::1', { host: '::1' }],
    ['ada@2001:db8::1', { user: 'ada', host: '2001:db8::1' }],
    ['[2001:db8::1]', { host: '2001:db8::1' }],
    ['ada@[2001:db8::1]:2222', { user: 'ada', host: '2001:db8::1', port: 2222 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0' }],
    ['[fe80::1%eth0]:22', { host: 'fe80::1%eth0', port: 22 }],
    ['ssh://dev', { host: 'dev' }],
    ['ssh://ada@dev:2222/', { user: 'ada', host: 'dev', port: 2222 }],
    ['ssh://ada%40corp@[::1]:2222', { user: 'ada@corp', host: '::1', port: 2222 }],
    ['my_alias+x', { host: 'my_alias+x' }],
    ['bücher.example', { host: 'bücher.example' }],
  ])('reads %s', (text, destination) => {
    expect(parseDestination(text)).toEqual(destination);
  });

  it.each([
    ['', 'names no host'],
    ['ada@', 'names no host'],
    ['@dev', 'cannot be a user name'],
    ['-oProxyCommand=id', 'cannot be a host name'],
    ['ada@-oProxyCommand=id', 'cannot be a host name'],
    ['-l@dev', 'cannot be a user name'],
    ['ssh://-oProxyCommand=id', 'cannot be a host name'],
    ['ssh://-l@dev', 'cannot be a user name'],
    ['ssh://%2Dl@dev', 'cannot be a user name'],
    ['ssh://%zz@dev', 'cannot be a user name'],
    ['ssh://', 'names no host'],
    ['ssh://dev/path', 'cannot be a host name'],
    ['dev:path', 'is not a port'],
    ['dev:', 'is not a port'],
    ['dev:0', 'is not a port'],
    ['dev:65536', 'is not a port'],
    ['dev:+22', 'is not a port'],
    ['dev:2 2', 'is not a port'],
    [':22', 'names no host'],
    ['a:b:22', 'cannot be a host name'],
    ['[::1', 'cannot be a host name'],
    ['[dev]:22', 'cannot be a host name'],
    ['[::1]x', 'cannot be a host name'],
    ['2001:db8::1:99999', 'is not a port'],
    ['two words', 'cannot be a host name'],
    [' dev', 'cannot be a host name'],
    ['dev\n', 'cannot be a host name'],
    ['dev\u001b[31m', 'cannot be a host name'],
    ['a\u0000b', 'cannot be a host name'],
    ['a da@dev', 'cannot be a user name'],
    ['$(id)', 'cannot be a host name'],
    ['`id`@dev', 'cannot be a user name'],
    ['a;b', 'cannot be a host name'],
    ['ada\\@dev', 'cannot be a user name'],
  ])('refuses %j: it %s', (text, problem) => {
    expect(() => parseDestination(text)).toThrow(problem);
    expect(() => parseDestination(text)).toThrow('usage.invalid');
  });
});
