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

/** The control plane that is meant. Throws as `possibleServers`, and `usage.invalid` where none or one of several is meant. */
export async function configuredServer(sources: ServerSources): Promise<string> {
  const known = await possibleServers(sources);
  if (known.length === 1 && known[0] !== undefined) return known[0];
  const words = {
    option: '--server',
    suggestion: 'say `--server URL`, or SIDECAR_SERVER, or `server` in your config.json',
  };
  const reason = known.length === 0 ? 'no control plane is named' : `which control plane? ${known.join(', ')}`;
  throw new SidecarError('usage.invalid', { reason, ...words });
}

/**
 * The control planes that can be meant: `--server`, else SIDECAR_SERVER, else `server` of the user's config.json, else those
 * that there is a session with. Throws `usage.invalid` where one is named that cannot be, and `settings.invalid`.
 */
export async function possibleServers({ flag, env, configDir, stateDir }: ServerSources): Promise<readonly string[]> {
  if (flag !== undefined) return [serverAddress(flag, '--server')];
  const variable = env['SIDECAR_SERVER'] ?? '';
  if (variable !== '') return [serverAddress(variable, 'SIDECAR_SERVER')];
  const user = await readUserFile(configDir);
  if (user?.settings.server !== undefined) return [serverAddress(user.settings.server, `"server" in ${user.path}`)];
  return new Logins(stateDir).servers();
}
