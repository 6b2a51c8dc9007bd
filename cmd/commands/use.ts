import { selector } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { sidecarDocument } from '../sidecar-document.js';
import { openSidecars } from '../sidecars.js';

export async function use(context: Context, name: string): Promise<void> {
  const sidecars = openSidecars(context);
  const record = await sidecars.registry.get(name);
  const select = await selector(context, sidecars);
  await select(name);
  context.output.outcome(sidecarDocument(record, { current: true }), [
    [{ text: '✓ ', style: 'green' }, `${name} is now the current sidecar`],
  ]);
}
