/** What the control plane knows its callers by. */
export interface AccessTokens {
  /**
   * One that is good for now, as far as can be told here: renewed where it is about to expire, or is the one that was
   * `refused`. Throws `login.required` where there is none, and what else a renewal throws.
   */
  token(options?: {
    readonly refused?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<string>;
}
