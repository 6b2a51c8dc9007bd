/** One word for a POSIX shell, whatever it holds. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
