import { afterEach, beforeEach, describe } from 'vitest';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { memoryTransport, shell } from '../fakes/memory-transport.js';
import type { FarRuns } from './contract.js';
import { detachedContract } from './detached-contract.js';

let home: Scratch;
beforeEach(() => {
  home = scratch();
});
afterEach(() => home.remove());

describe('a detached run over a connection in memory', () => {
  const open = (): Promise<FarRuns> => {
    const transport = memoryTransport(shell({ env: { ...process.env, HOME: home.path, XDG_STATE_HOME: '' } }));
    return Promise.resolve({ transport, cut: () => transport.cut() });
  };
  detachedContract({ open, home: () => home.path });
});
