import { SidecarError } from '../errors.js';
import { madeBy } from '../sidecars/record.js';
import { askedForAt, newMs } from './age.js';
import type { Creation } from './creation.js';
import { deleteMachine } from './delete-machine.js';
import { refOf, withMachine } from './made.js';
import { dropMachineKey } from './machine-keys.js';
import type { Machine, MachineRef } from './provider.js';

const story = 'the sidecar was deleted while its machine was being made';

/** Nobody wants the machine any more. */
export function deletedMeanwhile(name: string): SidecarError {
  return new SidecarError('provider.failed', { name, reason: story }, { retryable: false });
}

/**
 * Ends what was made for a sidecar that was deleted meanwhile; without a `machine`, what there may be. Where that fails, the
 * sidecar is put on the list again, so that it can be deleted; where its name is another's by then, the error says what is
 * to be ended by hand, and where the signal was aborted, so does `provider.left_behind`. Throws `provider.failed` in any case.
 */
export async function endUnwanted(creation: Creation, machine?: Machine): Promise<never> {
  const { provider, stateDir, clock, emit, record } = creation;
  const { name } = record;
  const { requestId } = madeBy(record);
  const ref = refOf({ name, requestId, id: machine?.id });
  const refNow = (): Promise<MachineRef> => Promise.resolve(ref);
  let deletion: Awaited<ReturnType<typeof deleteMachine>>;
  try {
    deletion = await deleteMachine(refNow, { provider, clock, leftMs: newMs });
  } catch (error) {
    throw await putBack(creation, machine, error);
  }
  // That one was made is known.
  if (deletion === 'unknown' && machine !== undefined)
    throw await putBack(creation, machine, new Error('its provider does not know it yet'));
  if (deletion === 'unknown') emit({ kind: 'provider.unknown', name });
  await dropMachineKey(stateDir, requestId);
  const reason = deletion === 'unknown' ? `${story}, and none is known of` : `${story}, and so was the machine`;
  throw new SidecarError('provider.failed', { name, reason }, { retryable: false });
}

/** Says where what could not be ended is to be found. */
async function putBack(
  { registry, record, provider, timeOfDay, emit, signal }: Creation,
  machine: Machine | undefined,
  cause: unknown,
): Promise<SidecarError> {
  const { name } = record;
  const why = `${story}, and what was made of that could not be ended (${wordsOf(cause)})`;
  const facts = { name, ...(machine === undefined ? {} : { id: machine.id }), requestId: madeBy(record).requestId };
  const failed = (reason: string, suggestion: string): SidecarError =>
    new SidecarError('provider.failed', { ...facts, reason, suggestion }, { cause, retryable: false });
  try {
    await registry.add(askedForAt(machine === undefined ? record : withMachine(record, machine), timeOfDay));
  } catch (error) {
    const what = machine === undefined ? `what has the request id ${facts.requestId}` : `the machine ${machine.id}`;
    const where = [provider.name, ...Object.values(provider.place)].join(', ');
    const reason = `${why}; it is on no list (${wordsOf(error)})`;
    if (signal?.aborted === true) emit({ kind: 'provider.left_behind', ...facts, where, reason });
    return failed(reason, `end ${what} by hand (${where})`);
  }
  emit({ kind: 'provider.uncertain', name });
  return failed(`${why}; it is on the list again`, `try again with \`sidecar delete ${name}\``);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof SidecarError)) return error instanceof Error ? error.message : String(error);
  const { reason } = error.facts;
  return typeof reason === 'string' ? reason : error.code;
}
