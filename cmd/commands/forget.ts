import { machineFiles } from '../../src/provider/local/machine.js';
import { providerName } from '../../src/sidecars/record.js';
import { namedSidecar } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { tellDaemon } from '../through-daemon.js';

/** Takes a sidecar off the list and touches nothing else, so it works for a machine that is long gone. */
export async function forget(context: Context, given: string | undefined): Promise<void> {
  const sidecars = openSidecars(context);
  const record = await namedSidecar(context, sidecars, given);
  const { name } = record;
  await sidecars.forget(name);
  await tellDaemon(context, { command: 'drop', sidecar: name });
  if (providerName(record) === 'local') {
    const { directory } = machineFiles(sidecars.home.stateDir, name);
    context.output.warn(
      `the machine of ${name} runs on, with its files in ${directory}, until a sidecar of that name is created again`,
    );
  }
  context.output.outcome({ name, forgotten: true }, [
    [{ text: '✓ ', style: 'green' }, `forgot ${name}; its machine and its files stay as they are`],
  ]);
}
