const contextLines = 3;

/** What makes the one text of a file into the other, as a patch of one piece that `git apply` takes. */
export function patchOf(path: string, before: string | undefined, after: string): string {
  if (before === after) return '';
  const [old, now] = [linesOf(before ?? ''), linesOf(after)];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same += 1;
  let sameEnd = 0;
  const most = Math.min(old.length, now.length) - same;
  while (sameEnd < most && old[old.length - 1 - sameEnd] === now[now.length - 1 - sameEnd]) sameEnd += 1;

  const begin = Math.max(0, same - contextLines);
  const behind = Math.min(sameEnd, contextLines);
  const piece = [
    ...marked(' ', old.slice(begin, same)),
    ...marked('-', old.slice(same, old.length - sameEnd)),
    ...marked('+', now.slice(same, now.length - sameEnd)),
    ...marked(' ', old.slice(old.length - sameEnd, old.length - sameEnd + behind)),
  ];
  const range = (lines: readonly string[]): string => {
    const count = lines.length - sameEnd + behind - begin;
    return `${count === 0 ? begin : begin + 1},${count}`;
  };
  const heads = [
    `diff --git a/${path} b/${path}`,
    ...(before === undefined ? ['new file mode 100644', '--- /dev/null'] : [`--- a/${path}`]),
    `+++ b/${path}`,
    `@@ -${range(old)} +${range(now)} @@`,
  ];
  return heads.map((line) => `${line}\n`).join('') + piece.join('');
}

/** Each with its end; the last one may have none. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

const marked = (mark: string, lines: readonly string[]): string[] =>
  lines.map((line) => mark + (line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`));
