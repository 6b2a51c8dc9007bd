import { posix, win32 } from 'node:path';

/** Where sidecar keeps its files on this machine. Nothing here is created yet: see private-files.ts. */
export interface StateHome {
  /** The registry, the keys, local sidecars: everything that belongs to this machine alone. */
  readonly stateDir: string;
  /** The user's `config.json`. */
  readonly configDir: string;
}

export interface HomeSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly homeDir: string;
}

/**
 * `SIDECAR_HOME` holds everything when set. Otherwise the XDG directories
 * (https://specifications.freedesktop.org/basedir-spec/latest/, which wants relative values ignored), and the platform's
 * own place on macOS and Windows.
 */
export function stateHome({ env, platform, homeDir }: HomeSources): StateHome {
  const path = platform === 'win32' ? win32 : posix;
  const own = env['SIDECAR_HOME'];
  if (own !== undefined && own !== '') return inOnePlace(path.resolve(own));

  if (platform === 'win32') {
    const localAppData = absolute(path, env['LOCALAPPDATA']) ?? path.join(homeDir, 'AppData', 'Local');
    return inOnePlace(path.join(localAppData, 'sidecar'));
  }
  if (platform === 'darwin') return inOnePlace(path.join(homeDir, 'Library', 'Application Support', 'sidecar'));

  const stateRoot = absolute(path, env['XDG_STATE_HOME']) ?? path.join(homeDir, '.local', 'state');
  const configRoot = absolute(path, env['XDG_CONFIG_HOME']) ?? path.join(homeDir, '.config');
  return { stateDir: path.join(stateRoot, 'sidecar'), configDir: path.join(configRoot, 'sidecar') };
}

function inOnePlace(directory: string): StateHome {
  return { stateDir: directory, configDir: directory };
}

function absolute(path: typeof posix, value: string | undefined): string | undefined {
  return value !== undefined && path.isAbsolute(value) ? value : undefined;
}
