const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Seconds when no unit is given. */
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;

/** Far below 2^31 ms, beyond which a Node timer fires at once. */
const longestMs = 24 * unitMs.h;

/** For messages: what `parseDuration` takes. */
export const durationRule = "a duration such as '90s', '2m', '1500ms' or '90' (seconds), above 0 and at most 24h";

/** Milliseconds, whole; undefined for anything that `durationRule` does not describe. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? 's') as keyof typeof unitMs;
  const ms = Math.round(Number(match[1]) * unitMs[unit]);
  return ms > 0 && ms <= longestMs ? ms : undefined;
}
