import { asSidecarError } from '../../src/errors.js';
import { causeOf } from './explain.js';

/** Why something that goes on all the same has failed, whatever was thrown. */
export function causeWords(thrown: unknown): string {
  return causeOf(asSidecarError(thrown));
}
