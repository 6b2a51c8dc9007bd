import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../../src/clock.js';
import type { AccessTokens } from '../../../src/control/access-tokens.js';
import { apiProvider } from '../../../src/provider/api.js';
import type { Provider } from '../../../src/provider/provider.js';
import { registryStore } from '../../../src/sidecars/registry-file.js';
import { Registry } from '../../../src/sidecars/registry.js';
import { ReferenceServer, type ReferenceServerOptions } from '../../reference-server/server.js';

/** A control plane, and a user of it with an empty list of sidecars. */
export interface ApiBed extends AsyncDisposable {
  readonly server: ReferenceServer;
  readonly stateDir: string;
  readonly registry: Registry;
  provider(options?: { readonly clock?: Clock; readonly tokens?: AccessTokens }): Provider;
}

export const fixedToken = (token: string): AccessTokens => ({ token: () => Promise.resolve(token) });

export async function apiBed(options: Partial<ReferenceServerOptions> = {}): Promise<ApiBed> {
  const directory = await mkdtemp(join(tmpdir(), 'sidecar-api-'));
  const stateDir = join(directory, 'here');
  const server = await ReferenceServer.start({ stateDir: join(directory, 'service'), ...options });
  return {
    server,
    stateDir,
    registry: new Registry(registryStore(stateDir)),
    provider: ({ clock = systemClock, tokens = fixedToken('token') } = {}) =>
      apiProvider({ server: server.url, tokens, env: {}, clock, stateDir }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
