import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

/** The hash that an RSA signature is to use (RFC 8332); other keys have their own, and are asked with undefined. */
export type SignatureHash = 'sha1' | 'sha256' | 'sha512';

export type Sign = (data: Buffer, hash: SignatureHash | undefined) => Buffer | Promise<Buffer>;

/**
 * An ssh-agent, as ssh2 understands one, that holds a single key. ssh2 asks an agent to sign only after the server said
 * that it would accept the key, so `sign` is the place to ask for a passphrase.
 */
export class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #key: ParsedKey;
  readonly #sign: Sign;

  constructor(key: ParsedKey, sign: Sign) {
    super();
    this.#key = key;
    this.#sign = sign;
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [this.#key]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    optionsOrCallback: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const [options, done] =
      typeof optionsOrCallback === 'function' ? [{}, optionsOrCallback] : [optionsOrCallback, callback];
    const signed = Promise.resolve().then(() => this.#sign(data, options.hash));
    signed.then(
      (signature) => done?.(null, signature),
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    );
  }
}
