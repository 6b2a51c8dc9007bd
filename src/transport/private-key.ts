import { createPrivateKey } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { publicHalf } from './public-half.js';
import { keyType } from './public-key.js';

const { parseKey } = ssh2.utils;

/** What the text of a key file turns out to be. */
export type KeyText =
  | { readonly kind: 'private'; readonly key: ParsedKey }
  /** A private key under a passphrase. OpenSSH's own format shows the public half all the same. */
  | { readonly kind: 'encrypted'; readonly publicKey: ParsedKey | undefined }
  | { readonly kind: 'public'; readonly key: ParsedKey }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Reads a key in OpenSSH, PEM (PKCS#1, SEC1, PKCS#8), PuTTY 2 or public key format, as far as no passphrase is needed. */
export function readKeyText(text: string): KeyText {
  const publicBlob = publicHalf(text);
  const publicKey = publicBlob === undefined ? undefined : parsePublicBlob(publicBlob);
  if (publicBlob !== undefined && publicKey === undefined) {
    return { kind: 'unusable', reason: `keys of type ${keyType(publicBlob) ?? 'unknown'} are not supported` };
  }
  const key = parse(text);
  if (key instanceof Error) {
    return key.message.endsWith(noPassphrase)
      ? { kind: 'encrypted', publicKey }
      : { kind: 'unusable', reason: key.message };
  }
  if (key.isPrivateKey()) return { kind: 'private', key };
  return isSupported(key.type)
    ? { kind: 'public', key }
    : { kind: 'unusable', reason: `keys of type ${key.type} are not supported` };
}

/** Opens an encrypted key, or undefined when the passphrase is wrong. bcrypt makes this take some 0.4 s, on purpose. */
export function decryptKey(text: string, passphrase: string): ParsedKey | undefined {
  const key = parse(text, passphrase);
  return key instanceof Error || !key.isPrivateKey() ? undefined : key;
}

/** The key in a raw public blob, or undefined for a type that ssh2 cannot sign with: certificates and `sk-` keys. */
export function parsePublicBlob(blob: Buffer): ParsedKey | undefined {
  const key = parseKey(blob);
  return key instanceof Error || !isSupported(key.type) ? undefined : key;
}

/** ssh2 cuts a certificate's type short and would take it for a plain key. */
function isSupported(type: string): boolean {
  return !type.includes('-cert-v0');
}

function parse(text: string, passphrase?: string): ParsedKey | Error {
  try {
    return parseKey(toTraditional(text, passphrase), passphrase);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** PKCS#8, which OpenSSL writes and ssh2 does not read, as the older PEM format that it does. */
function toTraditional(text: string, passphrase: string | undefined): string {
  const pkcs8 = /^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.exec(text);
  if (pkcs8 === null) return text;
  if (pkcs8[1] !== undefined && passphrase === undefined) throw new Error(`Encrypted PKCS#8 key, ${noPassphrase}`);
  const key = createPrivateKey({ key: text, format: 'pem', ...(passphrase !== undefined && { passphrase }) });
  const type = traditionalTypes.get(key.asymmetricKeyType);
  if (type === undefined) throw new Error(`PKCS#8 ${key.asymmetricKeyType ?? 'unknown'} keys are not supported`);
  return key.export({ format: 'pem', type }).toString();
}

const traditionalTypes = new Map<string | undefined, 'pkcs1' | 'sec1'>([
  ['rsa', 'pkcs1'],
  ['ec', 'sec1'],
]);

/** ssh2 has several wordings for an encrypted key without a passphrase, and this in common. */
const noPassphrase = 'no passphrase given';
