import { describe, expect, it } from 'vitest';
import type { ProviderOptions } from '../../../src/provider/provider.js';
import { swarmOptions } from '../../../src/provider/swarm/options.js';

describe('the options of swarm', () => {
  it.each<[ProviderOptions, object]>([
    [{}, { volume: [], env: [], constraint: [], 'registry-auth': false }],
    [{ constraint: 'node.labels.zone==east' }, { constraint: ['node.labels.zone==east'] }],
    [
      { volume: 'v:/x:ro,nocopy', user: 'dev' },
      { volume: ['v:/x:ro,nocopy'], user: 'dev' },
    ],
    [{ 'registry-auth': 'true' }, { 'registry-auth': true }],
    [{ 'registry-auth': 'false' }, { 'registry-auth': false }],
  ])('take %o', (given, taken) => {
    expect(swarmOptions(given)).toMatchObject(taken);
  });

  it.each<[ProviderOptions, string]>([
    [{ publish: '22' }, 'swarm knows no option publish'],
    [{ constraint: 'east' }, 'constraint.0: it is such as node.labels.zone==east'],
    [{ volume: '/a:/b:cached' }, 'volume.0: a swarm knows :ro, :rw and :nocopy'],
    [{ user: '1000' }, 'user: it is the name of an account in the image'],
    [{ user: 'a b' }, 'user: it is the name or the number of an account'],
    [{ 'registry-auth': 'yes' }, 'registry-auth: it is true or false'],
  ])('refuse %o', (given, reason) => {
    expect(() => swarmOptions(given)).toThrow(
      expect.objectContaining({ code: 'usage.invalid', facts: { reason } }) as Error,
    );
  });
});
