/** Wrong in a pattern of `ignore` or `include`, if anything, in words that follow the pattern. */
export function patternFault(pattern: string): string | undefined {
  if (pattern === '' || /^\/+$/.test(pattern)) return 'is empty';
  if (pattern.startsWith('!'))
    return 'begins with `!`: what is to be sent goes into `include`, what is not into `ignore`';
  if (pattern.startsWith('#')) return 'begins with `#`: a comment has no place here (`\\#` is the character)';
  if (/[\0\n\r]/.test(pattern)) return 'holds a line break or a NUL';
  const parts = pattern.split('/');
  if (parts.includes('..') || parts.includes('.')) return 'has a `.` or `..` between slashes, which matches nothing';
  if (!parts.every((part) => wholePart.test(part))) return 'has a bracket or a backslash that nothing follows';
  return undefined;
}

const member = String.raw`(?:\\.|\[:[a-z]+:\]|(?!\[:)[^\]\\])`;

/** Characters, escaped ones, and brackets that are closed. */
const wholePart = new RegExp(String.raw`^(?:\\.|\[(?:[!^]|(?![!^]))(?:\]|${member})${member}*\]|[^[\\])*$`, 'su');
