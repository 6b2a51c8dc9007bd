import { describe, expect, it } from 'vitest';
import { dockerOptions } from '../../../src/provider/docker/options.js';
import type { ProviderOptions } from '../../../src/provider/provider.js';

describe('the options of docker', () => {
  it.each<[ProviderOptions, object]>([
    [{}, { volume: [], env: [], pull: 'missing', devcontainer: false }],
    [{ publish: '2222' }, { publish: { bind: '127.0.0.1', port: 2222 } }],
    [{ publish: 0 }, { publish: { bind: '127.0.0.1', port: 0 } }],
    [{ publish: '[::]:22' }, { publish: { bind: '::', port: 22 } }],
    [{ volume: ['code:/code', '/home/me/.m2:/m2:ro'] }, { volume: ['code:/code', '/home/me/.m2:/m2:ro'] }],
    [{ volume: ['v:/x:nocopy', '/a:/b:cached,ro'] }, { volume: ['v:/x:nocopy', '/a:/b:cached,ro'] }],
    [{ env: 'A=B=C' }, { env: ['A=B=C'] }],
    [
      { cpus: '1.5', memory: '4g' },
      { cpus: 1.5, memory: 4 * 2 ** 30 },
    ],
    [{ cpus: '.5' }, { cpus: 0.5 }],
    [{ memory: '512MiB' }, { memory: 512 * 2 ** 20 }],
    [
      { platform: 'linux/arm64/v8', pull: 'always' },
      { platform: 'linux/arm64/v8', pull: 'always' },
    ],
    [{ devcontainer: 'true' }, { devcontainer: true }],
    [{ devcontainer: 'api/.devcontainer.json' }, { devcontainer: 'api/.devcontainer.json' }],
  ])('take %o', (given, taken) => {
    expect(dockerOptions(given)).toMatchObject(taken);
  });

  it.each<[ProviderOptions, string]>([
    [{ ports: '22' }, 'docker knows no option ports'],
    [{ publish: '70000' }, 'publish: it is PORT or ADDRESS:PORT; port 0 takes any that is free'],
    [{ publish: 'localhost:22' }, 'publish: it is PORT or ADDRESS:PORT; port 0 takes any that is free'],
    [
      { volume: 'code' },
      'volume.0: it is NAME:/PATH or /PATH/HERE:/PATH, and :ro behind it where nothing may be written',
    ],
    [
      { volume: ['./code:/code'] },
      'volume.0: it is NAME:/PATH or /PATH/HERE:/PATH, and :ro behind it where nothing may be written',
    ],
    [{ env: ['=B'] }, 'env.0: it is NAME=VALUE'],
    [{ cpus: 'all' }, 'cpus: it is a number'],
    [{ cpus: '.' }, 'cpus: it is a number'],
    [{ cpus: 0 }, 'cpus: it is more than 0'],
    [{ memory: 'much' }, 'memory: it is a size such as 512m or 4g'],
    [{ user: 'a b' }, 'user: it is the name or the number of an account'],
    [{ pull: 'often' }, 'pull: it is missing, always or never'],
  ])('refuse %o', (given, reason) => {
    expect(() => dockerOptions(given)).toThrow(
      expect.objectContaining({ code: 'usage.invalid', facts: { reason } }) as Error,
    );
  });
});
