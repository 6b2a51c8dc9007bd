import type { Sidecars } from '../../src/client.js';
import { SidecarError } from '../../src/errors.js';
import { chosenSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { type SidecarDocument, sidecarDocument } from '../sidecar-document.js';
import { openSidecars, settingsHere } from '../sidecars.js';
import type { Line } from '../ui/line.js';
import { table } from '../ui/table.js';

export async function list(context: Context): Promise<void> {
  const sidecars = openSidecars(context);
  const currentName = await currentHere(context, sidecars);
  const documents = (await sidecars.registry.list()).map((record) =>
    sidecarDocument(record, { current: record.name === currentName }),
  );
  context.output.answer(documents, documents.length === 0 ? [] : rows(documents));
  if (documents.length === 0) {
    context.output.note(
      'there is no sidecar yet: `sidecar create` makes one, `sidecar add NAME HOST` adopts a machine',
    );
  }
}

/** None where none is selected, and where git cannot tell what the working tree is: the list is right without it. */
async function currentHere(context: Context, sidecars: Sidecars): Promise<string | undefined> {
  const settings = await settingsHere(context, sidecars);
  try {
    return (await chosenSidecar(context, sidecars, settings)).name;
  } catch (error) {
    if (error instanceof SidecarError && /^(sidecar|git)\./.test(error.code)) return undefined;
    throw error;
  }
}

function rows(documents: readonly SidecarDocument[]): readonly Line[] {
  return table(
    ['', 'NAME', 'PROVIDER', 'DESTINATION', 'WORKSPACE', 'CREATED'],
    documents.map(({ name, provider, destination, transport, workdir, createdAt, current }) => [
      current ? '*' : '',
      name,
      provider,
      `${destination ?? '-'}${transport === null ? '' : ` (${transport})`}`,
      workdir ?? '-',
      createdAt.slice(0, 10),
    ]),
  );
}
