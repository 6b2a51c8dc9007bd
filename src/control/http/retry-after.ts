/**
 * How long an answer asks to be left alone, in milliseconds: RFC 9110 §10.2.3, a number of seconds or a date. 0 where it
 * says nothing that can be understood. A date is read by the clock of who wrote it, where the answer tells that.
 */
export function retryAfterMs({ headers }: Pick<Response, 'headers'>, timeOfDay: () => number = Date.now): number {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  const theirMs = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - (Number.isNaN(theirMs) ? timeOfDay() : theirMs));
}
