import { SidecarError } from '../errors.js';
import type { Provider } from './provider.js';

/** Says of which machine it is that something failed. */
export async function about<T>({ name }: { readonly name: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SidecarError) || !error.code.startsWith('provider.')) throw error;
    const { cause, retryable } = error;
    const told = retryable === undefined ? {} : { retryable };
    throw new SidecarError(error.code, { name, ...error.facts }, { cause, ...told });
  }
}

/** The same provider, whose failures say which machine they are about. */
export function namingMachines(provider: Provider): Provider {
  return {
    ...provider,
    create: (spec, options) => about(spec, () => provider.create(spec, options)),
    describe: (ref, options) => about(ref, () => provider.describe(ref, options)),
    delete: (ref, options) => about(ref, () => provider.delete(ref, options)),
    ...(provider.start && { start: (ref, options) => about(ref, async () => provider.start?.(ref, options)) }),
  };
}
