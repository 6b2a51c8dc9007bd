import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decryptKey, parsePublicBlob, readKeyText, type KeyText } from '../../src/transport/private-key.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey, type KeyOptions } from '../fakes/ssh-keys.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-private-key-'));
});
afterAll(() => rm(directory, { recursive: true }));

let made = 0;
const make = (options: KeyOptions) => makeKey(directory, `key${String(made++)}`, options);

describeWith(['ssh-keygen'], 'the text of a key', () => {
  const readable: KeyOptions[] = [
    { type: 'ed25519' },
    { type: 'ecdsa', bits: 521 },
    { type: 'ecdsa', format: 'PEM' },
    { type: 'ecdsa', format: 'PKCS8' },
    { type: 'rsa', bits: 2048 },
    { type: 'rsa', bits: 2048, format: 'PEM' },
    { type: 'rsa', bits: 2048, format: 'PKCS8' },
  ];

  it.each(readable)('of $type $format gives the key that can sign', async (options) => {
    const { path, blob } = await make(options);
    const text = readKeyText(await readFile(path, 'latin1'));
    const key = text.kind === 'private' ? text.key : undefined;
    expect(key?.getPublicSSH().equals(blob)).toBe(true);
    const data = Buffer.from('to be signed');
    expect(key?.verify(data, key.sign(data))).toBe(true);
  });

  it.each(readable)('of $type $format under a passphrase opens with that passphrase only', async (options) => {
    const { path, blob } = await make({ ...options, passphrase: 'open sesame' });
    const text = await readFile(path, 'latin1');
    expect(readKeyText(text).kind).toBe('encrypted');
    expect(decryptKey(text, 'Open Sesame')).toBeUndefined();
    expect(decryptKey(text, 'open sesame')?.getPublicSSH().equals(blob)).toBe(true);
  });

  it("in OpenSSH's format tells its public half without the passphrase", async () => {
    const { path, blob } = await make({ type: 'rsa', bits: 2048, passphrase: 'secret' });
    const text = readKeyText(await readFile(path, 'latin1'));
    expect(text.kind === 'encrypted' && text.publicKey?.getPublicSSH().equals(blob)).toBe(true);
  });

  it('in PEM format does not', async () => {
    const { path } = await make({ type: 'rsa', bits: 2048, passphrase: 'secret', format: 'PEM' });
    expect(readKeyText(await readFile(path, 'latin1'))).toEqual({ kind: 'encrypted', publicKey: undefined });
  });

  it('may have CRLF line ends', async () => {
    const { path } = await make({});
    expect(readKeyText((await readFile(path, 'latin1')).replaceAll('\n', '\r\n')).kind).toBe('private');
  });

  it('may be a public key', async () => {
    const { line, blob } = await make({});
    const text = readKeyText(`${line} a comment\n`);
    expect(text.kind === 'public' && text.key.getPublicSSH().equals(blob)).toBe(true);
  });

  it('may be of a type that needs a security key, and is not supported', () => {
    const blob = Buffer.concat(['sk-ssh-ed25519@openssh.com', 'k'.repeat(32), 'ssh:'].map(wireString));
    const body = Buffer.concat([
      Buffer.from('openssh-key-v1\0'),
      ...['aes256-ctr', 'bcrypt', 'options'].map(wireString),
      Buffer.from([0, 0, 0, 1]),
      wireString(blob),
      wireString('secret'),
    ]);
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(readKeyText(text)).toEqual(unusable('keys of type sk-ssh-ed25519@openssh.com are not supported'));
    expect(parsePublicBlob(blob)).toBeUndefined();
  });

  it('may be a certificate, which is not supported', async () => {
    const { line } = await make({});
    const certificate = line.replaceAll('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com');
    expect(readKeyText(certificate)).toEqual(
      unusable('keys of type ssh-ed25519-cert-v01@openssh.com are not supported'),
    );
  });

  it.each(['', 'hello', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----'])(
    '%j is unusable, with a reason',
    (text) => {
      expect(readKeyText(text)).toEqual(unusable(expect.stringMatching(/./) as string));
    },
  );
});

function unusable(reason: string): KeyText {
  return { kind: 'unusable', reason };
}

function wireString(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
