/** Whether an error's code says that TLS failed, by a certificate or by what the two sides speak: Node's and OpenSSL's. */
export function isTlsCode(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$|HOSTNAME_MISMATCH$)/.test(
    code,
  );
}
