import { readFile, stat } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { readKeyText } from './private-key.js';

/** A private key file of the user, looked at without a passphrase. */
export interface IdentityFile {
  readonly path: string;
  /** Its public half, where it can be known already. It is enough to find the key in an agent. */
  readonly publicKey: ParsedKey | undefined;
  readonly secret:
    | { readonly kind: 'ready'; readonly key: ParsedKey }
    | { readonly kind: 'encrypted'; readonly text: string }
    | { readonly kind: 'unusable'; readonly reason: string };
  /** A certificate lies next to it. We cannot use it, and a server may accept nothing else. */
  readonly hasCertificate: boolean;
}

/** No private key is near this size; a wrong path may name something that is. */
const maxKeyFileBytes = 1024 * 1024;

/** Never throws: what is wrong with the file is the reason that it is unusable. */
export async function readIdentityFile(path: string): Promise<IdentityFile> {
  const [content, besides, certificate] = await Promise.all([
    readPrivate(path),
    readPublicBesides(path),
    stat(`${path}-cert.pub`).catch(() => undefined),
  ]);
  const file = { path, hasCertificate: certificate !== undefined };
  const unusable = (reason: string, publicKey = besides): IdentityFile => ({
    ...file,
    publicKey,
    secret: { kind: 'unusable', reason },
  });
  if (content.kind === 'unusable') return unusable(content.reason);

  const { text, isExposed } = content;
  const key = readKeyText(text);
  switch (key.kind) {
    case 'private':
      if (isExposed) return unusable(exposed(path), key.key);
      return { ...file, publicKey: key.key, secret: { kind: 'ready', key: key.key } };
    case 'encrypted':
      if (isExposed) return unusable(exposed(path), key.publicKey);
      return { ...file, publicKey: key.publicKey ?? besides, secret: { kind: 'encrypted', text } };
    case 'public':
      return unusable('this is a public key, and no ssh-agent holds its private half', key.key);
    case 'unusable':
      return unusable(key.reason);
  }
}

function exposed(path: string): string {
  return `readable by others: run chmod 600 '${path}'`;
}

type Content =
  | { readonly kind: 'text'; readonly text: string; readonly isExposed: boolean }
  | { readonly kind: 'unusable'; readonly reason: string };

async function readPrivate(path: string): Promise<Content> {
  const unusable = (reason: string): Content => ({ kind: 'unusable', reason });
  try {
    const found = await stat(path);
    if (!found.isFile()) return unusable('not a file');
    if (found.size > maxKeyFileBytes) return unusable('too large for a key');
    // The rule of OpenSSH: a key of one's own that others can read is no secret any more. Windows has no such modes.
    const isExposed = found.uid === process.getuid?.() && (found.mode & 0o077) !== 0;
    return { kind: 'text', text: await readFile(path, 'latin1'), isExposed };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return unusable(code === 'ENOENT' ? 'no such file' : `cannot be read (${code ?? String(error)})`);
  }
}

async function readPublicBesides(path: string): Promise<ParsedKey | undefined> {
  const text = await readFile(`${path}.pub`, 'latin1').catch(() => undefined);
  const key = text === undefined ? undefined : readKeyText(text);
  return key?.kind === 'public' ? key.key : undefined;
}
