import { createHash } from 'node:crypto';
import type { ObjectFormat } from './working-tree.js';

export type ObjectType = 'blob' | 'tree' | 'commit';

/** An object as it is named and stored: a header, and its content (gitformat-loose(5)). */
export function withHeader(type: ObjectType, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
}

/** The id of an object, in hexadecimal. */
export function objectId(format: ObjectFormat, type: ObjectType, content: Buffer): string {
  return createHash(format).update(withHeader(type, content)).digest('hex');
}
