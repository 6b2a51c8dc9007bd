import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { SidecarError } from '../../errors.js';

/** The authorities that vouch for a server. */
export interface Trust {
  readonly rejectUnauthorized: true;
  readonly ca?: string[];
}

/**
 * Those that Node knows, and those of NODE_EXTRA_CA_CERTS: Node reads that when it starts, and the daemon was started by
 * somebody else. Throws `usage.invalid`.
 */
export async function trustOf(env: NodeJS.ProcessEnv): Promise<Trust> {
  const { NODE_EXTRA_CA_CERTS: file = '' } = env;
  if (file === '') return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: [...rootCertificates, await readFile(file, 'utf8')] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SidecarError('usage.invalid', { reason: `NODE_EXTRA_CA_CERTS cannot be read: ${why}` }, { cause: error });
  }
}
