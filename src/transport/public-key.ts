import { createHash } from 'node:crypto';
import type { HostKeyLine } from './target.js';
import { WireReader } from './wire-reader.js';

/** A public key as SSH sends it: the blob, which begins with the name of its type (RFC 4253 §6.6). */
export interface PublicKey {
  readonly type: string;
  readonly blob: Buffer;
}

/**
 * The key in `ssh-ed25519 AAAA… comment`, or undefined when it is none: too few words, broken base64, a blob that is cut
 * or says another type than the line does.
 */
export function parsePublicKey(line: string): PublicKey | undefined {
  const [type, encoded] = line.trim().split(/\s+/);
  if (type === undefined || encoded === undefined) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  // Node passes over what is not base64. OpenSSH refuses it, and so does the way back.
  if (blob.toString('base64') !== encoded) return undefined;
  return keyType(blob) === type && isWhole(blob) ? { type, blob } : undefined;
}

/** A key of any type is a row of strings: its type, then at least one part, then nothing. */
function isWhole(blob: Buffer): boolean {
  const reader = new WireReader(blob);
  try {
    reader.string();
    do reader.string();
    while (reader.left > 0);
    return true;
  } catch {
    return false;
  }
}

/** The type that a key blob begins with, or undefined for one that is malformed. */
export function keyType(blob: Buffer): string | undefined {
  try {
    return new WireReader(blob).string().toString('latin1');
  } catch {
    return undefined;
  }
}

/** The key as known_hosts writes it. */
export function hostKeyLine({ type, blob }: PublicKey): HostKeyLine {
  return `${type} ${blob.toString('base64')}`;
}

/** `SHA256:…` exactly as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
