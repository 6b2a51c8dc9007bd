import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerContract } from '../../contract/provider.js';
import { apiBed, type ApiBed } from './bed.js';

describe.each([
  ['a creation that is repeated answered with 201', 'tcp', 201],
  ['a creation that is repeated answered with 409, SSH by a WebSocket', 'websocket', 409],
] as const)('api, on the reference server, %s', (_, endpoint, repeated) => {
  let bed: ApiBed;
  beforeAll(async () => {
    bed = await apiBed({ endpoint });
    bed.server.repeated = repeated;
    bed.server.pace = { bootReads: 1 };
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  providerContract(() => Promise.resolve({ provider: bed.provider() }), {
    skips: ['authorize-key', 'streams', 'stop-start', 'stop'],
  });

  it('has server, document and client agree', () => {
    expect(bed.server.deviations).toEqual([]);
  });
});
