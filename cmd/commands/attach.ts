import { SidecarError } from '../../src/errors.js';
import { aboutSidecar } from '../../src/sidecars/about.js';
import type { Context } from '../context.js';
import { connectFlags, passRun, type ReadFlags } from '../detached.js';
import { landingHere } from '../landing.js';

/** Ends as the run does. */
export async function attach(context: Context, id: string | undefined, flags: ReadFlags): Promise<number> {
  const here = await landingHere(context, connectFlags(flags));
  return aboutSidecar(here.record.name, async () => {
    const { run, state } = await passRun(context, here, { id, follow: true, flags, isAttached: true });
    if (typeof state === 'number') return state;
    if (state.state !== 'exited') throw new SidecarError('run.lost', { run });
    return state.code;
  });
}
