import { SidecarError } from '../errors.js';
import type { Provider } from './provider.js';

/** The same provider, whose failures say which machine they are about. */
export function namingMachines(provider: Provider): Provider {
  const { start, stop, authorizeKey, connect } = provider;
  return {
    ...provider,
    create: (spec, options) => about(spec, () => provider.create(spec, options)),
    describe: (ref, options) => about(ref, () => provider.describe(ref, options)),
    delete: (ref, options) => about(ref, () => provider.delete(ref, options)),
    ...(start && { start: (ref, options) => about(ref, () => start(ref, options)) }),
    ...(stop && { stop: (ref, options) => about(ref, () => stop(ref, options)) }),
    ...(authorizeKey && {
      authorizeKey: (ref, publicKey, options) => about(ref, () => authorizeKey(ref, publicKey, options)),
    }),
    ...(connect && { connect: (ref, options) => about(ref, () => connect(ref, options)) }),
  };
}

async function about<T>({ name }: { readonly name: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SidecarError) || !error.code.startsWith('provider.')) throw error;
    const { cause, retryable } = error;
    const told = retryable === undefined ? {} : { retryable };
    throw new SidecarError(error.code, { name, ...error.facts }, { cause, ...told });
  }
}
