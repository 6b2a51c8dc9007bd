import { parseTar } from 'nanotar';
import type { CallOptions, Endpoint, Machine, MachineSsh, MachineState } from '../provider.js';
import { engineMachine, type EngineAddress } from './engine/address.js';
import type { Container } from './engine/answers.js';
import type { Engine } from './engine/engine.js';
import { labelOf } from './labels.js';
import { loginFile, sshServer } from './ssh-server.js';

/** How long a creation may leave its container as it is, before nobody is at work on it any more, in milliseconds. */
const creationMs = 60_000;

/** A container of ours as a machine. */
export async function machineOf(
  container: Container,
  { engine, address }: { readonly engine: Engine; readonly address: EngineAddress },
  options: CallOptions,
): Promise<Machine> {
  const { Id: id } = container;
  const { state, reason } = stateOf(container);
  const endpoint = endpointOf(container, address);
  const ssh: MachineSsh | undefined =
    endpoint === undefined
      ? undefined
      : { endpoint, user: await userOf(container, engine, options), hostKeys: hostKeysOf(container) };
  return {
    ...{ id, name: labelOf(container, 'name') ?? '', requestId: labelOf(container, 'requestId') ?? '', state },
    ...(reason === undefined ? {} : { reason }),
    ...(ssh === undefined ? {} : { ssh }),
  };
}

interface State {
  readonly state: MachineState;
  readonly reason?: string;
}

/** Some of these only podman says. */
function stateOf({ State, Created }: Container, nowMs = Date.now()): State {
  const { Status, ExitCode, Error: said, OOMKilled } = State;
  switch (Status) {
    case 'running':
      return { state: 'running' };
    case 'created':
    case 'configured':
    case 'initialized':
      if (nowMs - Date.parse(Created) < creationMs) return { state: 'creating' };
      return { state: 'failed', reason: 'its creation was cut off, and it was never started' };
    case 'restarting':
    case 'stopping':
      return { state: 'starting' };
    case 'removing':
      return { state: 'deleting' };
    case 'paused':
      return { state: 'stopped', reason: 'it is paused' };
    case 'exited':
    case 'stopped': {
      const why = OOMKilled ? ', out of memory' : said === '' ? '' : `: ${said}`;
      return { state: 'stopped', reason: `it has ended with exit code ${ExitCode}${why}` };
    }
    default:
      return { state: 'failed', reason: `its container is ${Status}${said === '' ? '' : `: ${said}`}` };
  }
}

/** Undefined: a port is to be published, and is not yet. */
function endpointOf(container: Container, address: EngineAddress): Endpoint | undefined {
  const bind = labelOf(container, 'publish');
  // An engine over ssh may be called by a name that only the user's ssh configuration knows.
  if (bind === undefined || (address.kind === 'ssh' && isEverywhere(bind))) return { kind: 'connect' };
  const [published] = container.NetworkSettings?.Ports?.[`${sshServer.port}/tcp`] ?? [];
  const port = Number(published?.HostPort);
  if (!Number.isInteger(port) || port <= 0) return undefined;
  return {
    kind: 'tcp',
    host: isEverywhere(bind) ? engineMachine(address, bind.includes(':') ? '::1' : undefined) : bind,
    port,
  };
}

function isEverywhere(bind: string): boolean {
  return /^[0:.]*$/.test(bind);
}

/** A number is none to log in with: the name that it stands for was put into the container. */
export async function userOf(container: Container, engine: Engine, options: CallOptions): Promise<string> {
  const labelled = labelOf(container, 'user');
  if (labelled !== undefined && !isNumber(labelled)) return labelled;
  const file = await engine.getFile(container.Id, loginFile, options);
  // Of a view of a larger buffer, it would read the buffer from its start.
  const name = file === undefined ? undefined : parseTar(Uint8Array.from(file))[0]?.text.trim();
  return name === undefined || name === '' ? (labelled ?? 'root') : name;
}

export function isNumber(user: string): boolean {
  return /^\d+$/.test(user);
}

function hostKeysOf(container: Container): string[] {
  const key = labelOf(container, 'hostKey');
  return key === undefined ? [] : [key];
}
