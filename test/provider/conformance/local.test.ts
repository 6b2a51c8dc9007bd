import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { localServerEntry } from '../../../src/provider/local/entry.js';
import { localProvider } from '../../../src/provider/local.js';
import { providerContract } from '../../contract/provider.js';

describe('the local provider', () => {
  let stateDir: string;
  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'sidecar-conformance-'));
  });
  afterAll(() => rm(stateDir, { recursive: true }));

  providerContract(
    () => Promise.resolve({ provider: localProvider({ stateDir, env: process.env, serverEntry: localServerEntry() }) }),
    { skips: ['authorize-key', 'streams', 'stop'] },
  );
});
