import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { SidecarError } from '../../../errors.js';
import { parseEngineHost, type EngineAddress } from './address.js';
import { readDockerFile } from './docker-config.js';

const config = v.object({ currentContext: v.optional(v.string()) });

const meta = v.object({
  Endpoints: v.object({
    docker: v.object({ Host: v.optional(v.string(), ''), SkipTLSVerify: v.optional(v.boolean(), false) }),
  }),
});

/** The context that `docker context use` has chosen. Throws `usage.invalid` for a broken file. */
export async function currentContext(configDir: string): Promise<string | undefined> {
  const chosen = (await readDockerFile(join(configDir, 'config.json'), config))?.currentContext;
  return chosen === '' ? undefined : chosen;
}

/** Where the engine of a context is. Throws `usage.invalid`. */
export async function readContext(configDir: string, name: string): Promise<EngineAddress> {
  const id = createHash('sha256').update(name).digest('hex');
  const found = await readDockerFile(join(configDir, 'contexts', 'meta', id, 'meta.json'), meta);
  if (found === undefined) {
    const reason = `there is no Docker context ${name} in ${configDir}`;
    throw new SidecarError('usage.invalid', { reason, suggestion: 'see `docker context ls`' });
  }
  const { Host, SkipTLSVerify } = found.Endpoints.docker;
  const directory = join(configDir, 'contexts', 'tls', id, 'docker');
  const tls = existsSync(directory) || SkipTLSVerify ? { directory, verify: !SkipTLSVerify } : undefined;
  return parseEngineHost(Host, `the Docker context ${name}`, tls);
}
