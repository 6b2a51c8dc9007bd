const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in decimal units with at most three digits: `812 B`, `2.8 kB`, `41 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be rounded to "1000".
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** Milliseconds in seconds: `0.21 s`, `8.2 s`, `90 s`. */
export function formatSeconds(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  const tenths = seconds.toFixed(1);
  return `${seconds < 99.95 && !tenths.endsWith('.0') ? tenths : seconds.toFixed(0)} s`;
}

/** Bytes moved in a time, per second: `3.4 MB/s`. Nothing when the time is too short to tell. */
export function formatRate(bytes: number, elapsedMs: number): string | undefined {
  return elapsedMs < 100 ? undefined : `${formatBytes((bytes / elapsedMs) * 1000)}/s`;
}

/** `1 file`, `2 files`; the plural is given where it is not `s`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** The first of many, and how many more there are. */
export function aFew(items: readonly string[]): string {
  const shown = 5;
  const rest = items.length - shown;
  return items.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
