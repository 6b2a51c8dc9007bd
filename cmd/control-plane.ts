import { configuredServer } from '../src/control/server.js';
import type { Context } from './context.js';
import { openSidecars } from './sidecars.js';

export interface ServerFlag {
  readonly server?: string;
}

/** The control plane that is meant, and what is needed to ask it. Throws as `configuredServer`. */
export async function controlPlaneHere(context: Context, { server: flag }: ServerFlag) {
  const { env, clock, signal } = context;
  const { stateDir, configDir } = openSidecars(context).home;
  const server = await configuredServer({ flag, env, configDir, stateDir });
  return { server, env, stateDir, clock, signal };
}
