/** A new ed25519 pair, as OpenSSH writes it. */
export interface KeyPair {
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, no comment. */
  readonly publicKey: string;
}

export async function generateKeyPair(): Promise<KeyPair> {
  const { utils } = (await import('ssh2')).default;
  for (;;) {
    const pair = utils.generateKeyPairSync('ed25519');
    // ssh2 1.17 drops a leading zero byte, so that one pair in 128 is malformed.
    const usable = [pair.private, pair.public].every((text) => !(utils.parseKey(text) instanceof Error));
    if (usable) return { privateKey: pair.private, publicKey: pair.public.trim() };
  }
}
