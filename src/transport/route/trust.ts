import { readFile } from 'node:fs/promises';
import { checkServerIdentity, rootCertificates, type ConnectionOptions } from 'node:tls';

/** The authorities that vouch for a server. */
export interface Trust {
  readonly rejectUnauthorized: true;
  readonly ca?: string[];
}

/**
 * Those that Node knows, and those of NODE_EXTRA_CA_CERTS: Node reads that when it starts, and the daemon was started by
 * somebody else. Throws what `invalid` makes of a file that cannot be read.
 */
export async function trustOf(
  env: NodeJS.ProcessEnv,
  invalid: (reason: string, cause: unknown) => Error,
): Promise<Trust> {
  const { NODE_EXTRA_CA_CERTS: file = '' } = env;
  if (file === '') return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: [...rootCertificates, await readFile(file, 'utf8')] };
  } catch (error) {
    throw invalid(
      `NODE_EXTRA_CA_CERTS cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
}

/**
 * Whom the certificate of the server at `url` is to name: its host, whoever carries the connection there. Left to itself, Node
 * would ask for the name of the proxy, or for `localhost`, where that host is an address.
 */
export function identityOf({ hostname }: URL): Pick<ConnectionOptions, 'checkServerIdentity'> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { checkServerIdentity: (_host, certificate) => checkServerIdentity(host, certificate) };
}
