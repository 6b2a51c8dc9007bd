import type { ErrorCode, SidecarError } from '../../src/errors.js';
import type { Explanation } from './explanation.js';
import { explain } from './explain.js';
import type { Line } from './line.js';
import { problemLine, problemOf } from './problem-line.js';

/** Of these, the cause may be somewhere else. */
const mayHaveManyCauses: ReadonlySet<ErrorCode> = new Set([
  'ssh.unreachable',
  'ssh.protocol',
  'provider.failed',
  'sync.bad_reply',
  'run.not_started',
  'internal',
]);

/** An error in words, and where to look further: `sidecar doctor` itself says it with `explain` alone. */
function report(error: SidecarError): Explanation {
  const { message, hint } = explain(error);
  return { message, hint: mayHaveManyCauses.has(error.code) ? `${hint}; \`sidecar doctor\` looks further` : hint };
}

/** The one JSON document of an error: its code, its words, every fact it knows, and what the command leaves behind. */
export function errorDocument(
  error: SidecarError,
  leftBehind: readonly string[] = [],
): { readonly error: Readonly<Record<string, unknown>> } {
  const words = { code: error.code, ...report(error) };
  const left = leftBehind.length === 0 ? {} : { leftBehind };
  // First in order, and never replaced by a fact of the same name.
  return { error: { ...words, ...error.facts, ...left, ...words } };
}

/**
 * An error for people: what happened and why, what to do next, and on request where in the program it came from. With `name`,
 * of which of several sidecars.
 */
export function errorLines(
  error: SidecarError,
  { stack, name }: { readonly stack: boolean; readonly name?: string },
): readonly Line[] {
  const { message, hint } = report(error);
  const problem = problemOf(error);
  return [
    problem === undefined
      ? [{ text: 'sidecar: ', style: 'red' }, name === undefined ? message : `${name}: ${message}`]
      : problemLine(problem),
    ...(hint === '' ? [] : [[{ text: '  hint: ', style: 'cyan' } as const, hint]]),
    ...(stack ? stackLines(error) : []),
  ];
}

/** The stack of the error and of each of its causes. */
function stackLines(error: SidecarError): readonly Line[] {
  const lines: Line[] = [];
  const seen = new Set<unknown>();
  for (let at: unknown = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    const [head = '', ...frames] = (at.stack ?? `${at.name}: ${at.message}`).split('\n');
    lines.push([{ text: `  ${at === error ? '' : 'caused by '}${head}`, style: 'dim' }]);
    lines.push(...frames.map((frame): Line => [{ text: `  ${frame}`, style: 'dim' }]));
  }
  return lines;
}
