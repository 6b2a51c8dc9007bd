import * as v from 'valibot';
import { SidecarError } from '../errors.js';
import type { ProviderOptions } from './provider.js';

/** What the user asked of a provider, checked. Throws `usage.invalid`, which names what cannot be. */
export function checkOptions<T>(provider: string, schema: v.GenericSchema<unknown, T>, options: ProviderOptions): T {
  const checked = v.safeParse(schema, options);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const key = v.getDotPath(issue) ?? '';
  const isUnknown = issue.type === 'strict_object' && issue.expected === 'never';
  const reason = isUnknown ? `${provider} knows no option ${key}` : `${key}: ${issue.message}`;
  throw new SidecarError('usage.invalid', { reason });
}
