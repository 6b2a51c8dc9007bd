import type { SidecarError } from '../../src/errors.js';
import { explainInPlace } from './explain.js';
import type { Line } from './line.js';

/** Something that is wrong with a file. */
export interface Problem {
  /** Absolute, so that it can be found from wherever the line is read. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** The code of the error, or the kind of the event. */
  readonly code: string;
}

/**
 * `path:line:column: severity: message [code]`, as compilers print it. This is an interface: editors find the file by it,
 * with the one pattern of `src/editors/problem-lines.ts`. A place that is not known is 1:1, because most of them pass over a
 * line that has none.
 */
export function problemLine({ file, line = 1, column = 1, severity, message, code }: Problem): Line {
  const style = severity === 'error' ? 'red' : 'yellow';
  return [
    { text: `${file}:${line}:${column}:`, style: 'bold' },
    ' ',
    { text: `${severity}:`, style },
    ` ${message} [${code}]`,
  ];
}

/** The problem that an error is about, where it is about a file: then it has the fact `file`. */
export function problemOf(error: SidecarError): Problem | undefined {
  const { file, line, column } = error.facts;
  if (typeof file !== 'string' || file === '') return undefined;
  return {
    file,
    ...(typeof line === 'number' && { line }),
    ...(typeof column === 'number' && { column }),
    severity: 'error',
    message: explainInPlace(error).message,
    code: error.code,
  };
}
