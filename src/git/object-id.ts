import { createHash } from 'node:crypto';
import type { ObjectFormat } from './working-tree.js';

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObject {
  readonly type: ObjectType;
  readonly id: string;
  readonly content: Buffer;
}

/** How many bytes an id has, where it is stored in binary. */
export const idBytes: Readonly<Record<ObjectFormat, number>> = { sha1: 20, sha256: 32 };

/** The format that an id, in hexadecimal, is of. */
export const formatOf = (id: string): ObjectFormat => (id.length === 2 * idBytes.sha256 ? 'sha256' : 'sha1');

/** An object as it is named and stored: a header, and its content (gitformat-loose(5)). */
export function withHeader(type: ObjectType, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
}

/** The id of an object, in hexadecimal. */
export function objectId(format: ObjectFormat, type: ObjectType, content: Buffer): string {
  return createHash(format).update(withHeader(type, content)).digest('hex');
}
