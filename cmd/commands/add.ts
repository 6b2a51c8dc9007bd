import { resolve } from 'node:path';
import type { TransportName } from '../../src/transport/target.js';
import { selector } from '../chosen-sidecar.js';
import type { Context } from '../context.js';
import { sidecarDocument } from '../sidecar-document.js';
import { openSidecars } from '../sidecars.js';

export interface AddFlags {
  readonly identity?: string;
  readonly workdir?: string;
  readonly hostKey?: string;
  readonly jump?: string;
  readonly transport?: TransportName;
  /** False after `--no-use`. */
  readonly use: boolean;
}

export interface AddRequest {
  readonly name: string;
  readonly destination: string;
  readonly flags: AddFlags;
}

/** Connects to nothing: the machine may be off, or not there yet. */
export async function add(context: Context, { name, destination, flags }: AddRequest): Promise<void> {
  const { identity, workdir, hostKey, jump, transport } = flags;
  const sidecars = openSidecars(context);
  const select = flags.use ? await selector(context, sidecars) : undefined;
  const record = await sidecars.add({
    name,
    destination,
    identity: identity === undefined ? undefined : keyPath(context, identity),
    workdir,
    hostKey,
    jump,
    transport,
  });
  await select?.(name);
  context.output.outcome(sidecarDocument(record, { current: flags.use }), [
    [{ text: '✓ ', style: 'green' }, `added ${name} (${destination})`, flags.use ? `, now the current sidecar` : ''],
  ]);
}

/** A shell leaves the tilde alone in `--identity=~/.ssh/key`; ssh does not. */
function keyPath({ directory, homeDir }: Context, path: string): string {
  return path.startsWith('~/') ? resolve(homeDir, path.slice(2)) : resolve(directory, path);
}
