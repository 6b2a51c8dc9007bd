import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprint, hostKeyLine, keyType, parsePublicKey } from '../../src/transport/public-key.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';

const run = promisify(execFile);

describeWith(['ssh-keygen'], 'a public key', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-public-key-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each([
    { type: 'ed25519' as const },
    { type: 'ecdsa' as const, bits: 256 },
    { type: 'ecdsa' as const, bits: 384 },
    { type: 'ecdsa' as const, bits: 521 },
    { type: 'rsa' as const, bits: 2048 },
  ])('of type $type $bits has the fingerprint that ssh-keygen prints', async (options) => {
    const made = await makeKey(directory, `${options.type}${String(options.bits)}`, options);
    const { stdout } = await run('ssh-keygen', ['-l', '-f', `${made.path}.pub`]);
    const key = parsePublicKey(made.line);
    expect(key && fingerprint(key.blob)).toBe(stdout.split(' ')[1]);
  });

  it('is read with or without a comment and written without', async () => {
    const { line, type, blob } = await makeKey(directory, 'plain');
    expect(parsePublicKey(line)).toEqual({ type, blob });
    expect(parsePublicKey(`  ${line} me@home with spaces\r\n`)).toEqual({ type, blob });
    expect(hostKeyLine({ type, blob })).toBe(line);
  });

  it('is none when its blob says another type, or is cut', async () => {
    const { line } = await makeKey(directory, 'cut');
    const [type = '', encoded = ''] = line.split(' ');
    expect(parsePublicKey(`ssh-rsa ${encoded}`)).toBeUndefined();
    expect(parsePublicKey(`${type} ${encoded.slice(0, 8)}`)).toBeUndefined();
  });
});

describe('what is no public key', () => {
  it.each([
    '',
    'ssh-ed25519',
    'ssh-ed25519 ',
    'ssh-ed25519 AAAA',
    'ssh-ed25519 not*base64',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5',
  ])('%j is not read', (line) => {
    expect(parsePublicKey(line)).toBeUndefined();
  });

  it('a blob that promises more bytes than it has has no type', () => {
    expect(keyType(Buffer.from([0, 0, 0, 200, 1]))).toBeUndefined();
    expect(keyType(Buffer.alloc(0))).toBeUndefined();
  });
});
