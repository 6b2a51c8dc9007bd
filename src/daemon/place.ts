import path from 'node:path';

/** Where the daemon of a state directory is, and what it writes. */
export interface DaemonPlace {
  readonly stateDir: string;
  /** Its own files: the lock under which one starts, and the log. */
  readonly directory: string;
  /** The directory of the socket, which only its owner may enter. Absent for a named pipe. */
  readonly socketDirectory?: string;
  readonly socket: string;
  readonly log: string;
}

/** What fits into `sun_path` on every system (macOS: 104 bytes with the zero at the end), less a suffix while one starts. */
const longestSocket = 103 - '.1234567890'.length;

/**
 * One daemon for each state directory, and so one for each user. Where the path would be too long for a socket, it is
 * in a directory of this user's below `/tmp`, which whoever uses it checks for its owner.
 */
export async function daemonPlace(
  stateDir: string,
  { platform, uid }: { readonly platform: NodeJS.Platform; readonly uid: number | undefined },
): Promise<DaemonPlace> {
  const directory = path.join(stateDir, 'daemon');
  const files = { stateDir, directory, log: path.join(directory, 'log') };
  const near = path.join(directory, 'socket');
  if (platform !== 'win32' && Buffer.byteLength(near) <= longestSocket)
    return { ...files, socketDirectory: directory, socket: near };
  // Loaded only where it is needed: every command comes by here.
  const { createHash } = await import('node:crypto');
  const key = createHash('sha256').update(stateDir).digest('hex').slice(0, 16);
  if (platform === 'win32') return { ...files, socket: `\\\\.\\pipe\\sidecar-${key}` };
  const socketDirectory = `/tmp/sidecar-${uid ?? 'user'}-${key}`;
  return { ...files, socketDirectory, socket: path.join(socketDirectory, 'socket') };
}
