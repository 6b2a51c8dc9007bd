import type { Settings } from '../src/sidecars/settings.js';
import type { Context } from './context.js';

/** Says what of a project's file does not count, because nobody has allowed it. */
export function warnOfWithheld({ output }: Pick<Context, 'output'>, withheld: Settings['withheld']): void {
  if (withheld === undefined) return;
  const { file, keys } = withheld;
  output.warn(`not in force until you say \`sidecar allow\`: ${keys.join(', ')} of ${file}`);
}
