import { join } from 'node:path';
import * as v from 'valibot';
import { checkName } from '../../sidecars/names.js';
import { readStored } from '../../sidecars/store.js';

/** The files of a local sidecar. */
export interface MachineFiles {
  readonly directory: string;
  /** What a command finds as its home. */
  readonly home: string;
  readonly hostKey: string;
  /** Public keys, one a line. */
  readonly authorizedKeys: string;
  /** `MachineSetup`, written once, at creation. */
  readonly setup: string;
  /** `ServerState`, written by the server alone. */
  readonly server: string;
  readonly log: string;
}

/** Throws `usage.invalid` for a name that could lead out of the state directory. */
export function machineFiles(stateDir: string, name: string): MachineFiles {
  return filesIn(join(stateDir, 'local', checkName(name)));
}

export function filesIn(directory: string): MachineFiles {
  return {
    directory,
    home: join(directory, 'home'),
    hostKey: join(directory, 'host_key'),
    authorizedKeys: join(directory, 'authorized_keys'),
    setup: join(directory, 'machine.json'),
    server: join(directory, 'server.json'),
    log: join(directory, 'server.log'),
  };
}

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

export const machineSetup = v.strictObject({
  /** Which creation made it. */
  requestId: v.string(),
  /** The public half of its host key. */
  hostKey: v.string(),
  /** Where the server listens when nobody else does. */
  port,
  /** It refuses connections until then. */
  bootsAt: v.pipe(v.string(), v.isoTimestamp()),
});

export type MachineSetup = v.InferOutput<typeof machineSetup>;

export const serverState = v.strictObject({
  /** Never 0, 1 or negative: signals go there. */
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  /** Where it listens, or will listen once it has booted. */
  port,
  started: v.pipe(v.string(), v.isoTimestamp()),
});

export type ServerState = v.InferOutput<typeof serverState>;

/** What the last server said, or undefined when there is none or nothing to be made of it: the next one says it anew. */
export async function readServerState(files: MachineFiles): Promise<ServerState | undefined> {
  return readStored(files.server, serverState).catch(() => undefined);
}
