/** One word of any POSIX shell, whatever it holds. */
export const posixWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** One word of fish, which knows two escapes between single quotes. */
export const fishWord = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
