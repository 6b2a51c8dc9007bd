import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Authority {
  /** The file of its own certificate. */
  readonly path: string;
  /** A server's certificate: for this name, good for so many days from now. */
  issue(name: string, days?: number): Promise<{ readonly key: string; readonly cert: string }>;
}

/** A certificate authority of its own, by the real openssl. */
export async function makeAuthority(directory: string): Promise<Authority> {
  const at = (name: string): string => join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem')],
    ...['-days', '30', '-subj', '/CN=authority of a test'],
  ]);
  let issued = 0;
  return {
    path: at('ca.pem'),
    issue: async (name, days = 30) => {
      issued += 1;
      const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((suffix) => at(`${issued}.${suffix}`));
      if (key === undefined || request === undefined || cert === undefined || extensions === undefined)
        throw new Error();
      await writeFile(extensions, `subjectAltName=${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}\n`);
      await run('openssl', ['req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
      await run('openssl', [
        ...['x509', '-req', '-in', request, '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
        ...['-extfile', extensions, '-days', String(days), '-out', cert],
      ]);
      return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
    },
  };
}
