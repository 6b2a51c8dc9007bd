import { SidecarError } from '../errors.js';
import { readUserFile } from '../sidecars/settings-files.js';
import { serverAddress } from './server-address.js';
import { Logins } from './tokens/logins.js';

export interface ServerSources {
  /** What `--server` says. */
  readonly flag?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly configDir: string;
  readonly stateDir: string;
}

/**
 * The control plane that is meant: `--server`, else SIDECAR_SERVER, else `server` of the user's config.json, else the only
 * one that there is a session with. Throws `usage.invalid` where none or none that can be is named, and
 * `settings.invalid`.
 */
export async function configuredServer({ flag, env, configDir, stateDir }: ServerSources): Promise<string> {
  if (flag !== undefined) return serverAddress(flag, '--server');
  const variable = env['SIDECAR_SERVER'] ?? '';
  if (variable !== '') return serverAddress(variable, 'SIDECAR_SERVER');
  const user = await readUserFile(configDir);
  if (user?.settings.server !== undefined) return serverAddress(user.settings.server, `"server" in ${user.path}`);
  const known = await new Logins(stateDir).servers();
  if (known.length === 1 && known[0] !== undefined) return known[0];
  const words = {
    option: '--server',
    suggestion: 'say `--server URL`, or SIDECAR_SERVER, or `server` in your config.json',
  };
  const reason = known.length === 0 ? 'no control plane is named' : `which control plane? ${known.join(', ')}`;
  throw new SidecarError('usage.invalid', { reason, ...words });
}
