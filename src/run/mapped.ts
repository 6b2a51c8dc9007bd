import type { Clock } from '../clock.js';
import { PathMapper, type PathMapping } from './map-paths.js';

/** How long the beginning of what may be a path waits for the rest of it. A prompt is not to be late. */
const holdMs = 40;

/**
 * What a command prints, with paths over there as paths here. What may be the beginning of one comes a moment later than it
 * was printed, unless more follows.
 */
export async function* mapped(
  source: AsyncIterable<Buffer>,
  mapping: PathMapping,
  clock: Clock,
): AsyncGenerator<Buffer, void> {
  const mapper = new PathMapper(mapping);
  const chunks: AsyncIterator<Buffer, unknown> = source[Symbol.asyncIterator]();
  try {
    for (let next = chunks.next(); ;) {
      if (mapper.isHolding && !(await comesWithin(next, holdMs, clock))) yield mapper.release();
      const said = await next;
      if (said.done === true) break;
      const certain = mapper.push(said.value);
      if (certain.length > 0) yield certain;
      next = chunks.next();
    }
    if (mapper.isHolding) yield mapper.end();
  } catch (error) {
    if (mapper.isHolding) yield mapper.end();
    throw error;
  } finally {
    await chunks.return?.();
  }
}

/** Also true for one that fails. */
async function comesWithin(next: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(
    () => false,
    () => true,
  );
  const came = next.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([came, late]);
  over.abort();
  return inTime;
}
