import { WireReader } from './wire-reader.js';

/** The public key that stands in the clear at the head of a private key in OpenSSH's format (its PROTOCOL.key). */
export function publicHalf(text: string): Buffer | undefined {
  const armour = /^-----BEGIN OPENSSH PRIVATE KEY-----\s([\s\S]+)\s-----END OPENSSH PRIVATE KEY-----/m.exec(text);
  if (armour?.[1] === undefined) return undefined;
  const reader = new WireReader(Buffer.from(armour[1], 'base64'));
  try {
    reader.skip('openssh-key-v1\0'.length);
    reader.string(); // cipher
    reader.string(); // key derivation
    reader.string(); // its options
    return reader.uint32() === 1 ? reader.string() : undefined;
  } catch {
    return undefined;
  }
}
