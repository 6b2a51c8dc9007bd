import { SidecarError } from '../errors.js';
import type { SidecarRecord } from '../sidecars/record.js';
import { isBeingMade } from './age.js';

/**
 * The sidecar, where it can be taken off the list with nothing else touched. While its machine is being made it cannot: who
 * makes it ends the machine of a sidecar that is no longer there. Then throws `usage.invalid`.
 */
export function forgettable(record: SidecarRecord, timeOfDay: () => number = Date.now): SidecarRecord {
  const { name, provider } = record;
  if (provider.kind !== 'made' || !isBeingMade(record, timeOfDay)) return record;
  const reason = `the machine of ${name} may still be being made, and would be ended if it were forgotten now`;
  const suggestion = `forget it once it is made, or end it with \`sidecar delete ${name}\``;
  throw new SidecarError('usage.invalid', { reason, suggestion });
}
