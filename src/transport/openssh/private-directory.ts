import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A new directory that is this user's alone, mode 0700, for sockets: its path is short enough for them. Whoever makes it
 * removes it.
 */
export function privateDirectory(): Promise<string> {
  const place = tmpdir();
  return mkdtemp(join(Buffer.byteLength(place) > maxPlaceBytes ? '/tmp' : place, 'sidecar-'));
}

/**
 * A socket's path may have 103 bytes (macOS). `/sidecar-XXXXXX/c` takes 17 of them, and the name under which ssh makes its
 * socket, before it renames it, 17 more.
 */
const maxPlaceBytes = 103 - 17 - 17;
