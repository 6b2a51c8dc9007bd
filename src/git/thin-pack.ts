import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { ObjectType } from './object-id.js';
import type { ObjectFormat } from './working-tree.js';

/** An object to be sent, to somebody who has the one that stood in its place before. */
export interface PackedObject {
  readonly type: ObjectType;
  readonly content: Buffer;
  readonly before?: { readonly id: string; readonly content: Buffer | undefined } | undefined;
}

const numbers: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3 };
const refDelta = 7;

/**
 * A thin pack of a few objects, as git's own: each whole, or as what is between the beginning and the end that it shares
 * with the one before, whichever is shorter. Format: gitformat-pack(5).
 */
export function thinPack(format: ObjectFormat, objects: readonly PackedObject[]): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(objects.length, 8);
  const pack = Buffer.concat([head, ...objects.map(entry)]);
  return Buffer.concat([pack, createHash(format).update(pack).digest()]);
}

function entry({ type, content, before }: PackedObject): Buffer {
  const whole = Buffer.concat([entryHead(numbers[type], content.length), deflateSync(content)]);
  if (before?.content === undefined) return whole;
  const delta = deltaOf(before.content, content);
  const base = Buffer.from(before.id, 'hex');
  const short = Buffer.concat([entryHead(refDelta, delta.length), base, deflateSync(delta)]);
  return short.length < whole.length ? short : whole;
}

/** Type and size: four bits of the size beside the type, then seven in each byte. */
function entryHead(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16);
  const first = (type << 4) | (size % 16);
  return rest === 0 ? Buffer.from([first]) : Buffer.concat([Buffer.from([first | 0x80]), varint(rest)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 0x80);
  }
}

/** What lies between the beginning and the end that both have, as instructions to copy and to insert. */
function deltaOf(before: Buffer, after: Buffer): Buffer {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  return Buffer.concat([
    varint(before.length),
    varint(after.length),
    ...copies(0, start),
    ...inserts(after.subarray(start, after.length - end)),
    ...copies(before.length - end, end),
  ]);
}

/** The most that one instruction copies, and that one inserts. */
const longestCopy = 0xffffff;
const longestInsert = 0x7f;

function copies(offset: number, length: number): Buffer[] {
  const made: Buffer[] = [];
  for (let done = 0; done < length; done += longestCopy) {
    made.push(copy(offset + done, Math.min(longestCopy, length - done)));
  }
  return made;
}

/** Four bytes of the offset and three of the length, the lowest first, without those that are zero. */
function copy(offset: number, length: number): Buffer {
  let present = 0x80;
  const bytes: number[] = [];
  const numbers = [0, 8, 16, 24].map((shift) => (offset >>> shift) & 0xff);
  for (const shift of [0, 8, 16]) numbers.push((length >>> shift) & 0xff);
  for (const [index, byte] of numbers.entries()) {
    if (byte === 0) continue;
    present |= 1 << index;
    bytes.push(byte);
  }
  return Buffer.from([present, ...bytes]);
}

function inserts(bytes: Buffer): Buffer[] {
  const made: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += longestInsert) {
    const part = bytes.subarray(at, at + longestInsert);
    made.push(Buffer.from([part.length]), part);
  }
  return made;
}
