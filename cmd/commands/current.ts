import { chosenSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { sidecarDocument } from '../sidecar-document.js';
import { openSidecars, settingsHere } from '../sidecars.js';

export async function current(context: Context): Promise<void> {
  const sidecars = openSidecars(context);
  const record = await chosenSidecar(context, sidecars, await settingsHere(context, sidecars));
  context.output.answer(sidecarDocument(record, { current: true }), [[record.name]]);
}
