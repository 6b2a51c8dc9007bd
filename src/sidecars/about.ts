import { SidecarError } from '../errors.js';

/** Has every error of `work` say which sidecar it is about, so that its words can name it and the command to run. */
export async function aboutSidecar<T>(sidecar: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    throw new SidecarError(error.code, { ...error.facts, sidecar }, { cause: error });
  }
}
