/** What stands for each `%` token, by its letter: see ssh_config(5) TOKENS. */
export type Tokens = Readonly<Record<string, string | undefined>>;

/** One that is not known stays as it is. */
export function expandTokens(text: string, tokens: Tokens): string {
  return text.replace(/%(.)/g, (token, letter: string) => tokens[letter] ?? token);
}

/** The first that is not known; undefined where all are. */
export function unknownToken(text: string, tokens: Tokens): string | undefined {
  return (text.match(/%.?/g) ?? []).find((token) => tokens[token.slice(1)] === undefined);
}
