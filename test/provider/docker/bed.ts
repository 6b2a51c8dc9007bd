import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { dockerProvider } from '../../../src/provider/docker.js';
import type { Machine, MachineSpec, Provider, ProviderOptions } from '../../../src/provider/provider.js';
import { hostKeyPolicy } from '../../../src/transport/host-trust.js';
import { loadIdentities } from '../../../src/transport/identities.js';
import { generateKeyPair } from '../../../src/transport/key-pair.js';
import { connectSsh2 } from '../../../src/transport/ssh2/connect.js';
import type { Route, SshTarget } from '../../../src/transport/target.js';
import type { Transport } from '../../../src/transport/transport.js';
import { Docker } from '../../fakes/docker.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';

/** An engine with images, and a provider that speaks to it. */
export class EngineBed implements AsyncDisposable {
  private constructor(
    private readonly place: Scratch,
    readonly docker: Docker,
    readonly provider: Provider,
  ) {}

  static async start(engine: 'docker' | 'podman'): Promise<EngineBed> {
    const place = scratch('sidecar-docker-');
    const docker = await (engine === 'docker'
      ? Docker.start(place.path, { ports: true })
      : Docker.startPodman(place.path));
    const programs = ['git', 'sshd'];
    docker.importImage('full', {
      programs,
      changes: ['ENV GREETING="two words"', 'ENV PATH=/opt/go/bin:/usr/bin:/bin'],
    });
    docker.importImage('of-dev', { programs, changes: ['USER dev'] });
    docker.importImage('of-number', { programs, changes: ['USER 1000:1000'] });
    docker.importImage('bare', { programs: [] });
    return new EngineBed(place, docker, await providerOf(docker.host));
  }

  /** A machine to be made, and the file of a key that may log in. */
  async spec(
    name: string,
    { image = 'full', ...options }: ProviderOptions & { readonly image?: string } = {},
  ): Promise<Wanted> {
    const [hostKey, login] = await Promise.all([generateKeyPair(), generateKeyPair()]);
    const requestId = randomUUID();
    const identity = path.join(this.place.path, `key-${requestId}`);
    writeFileSync(identity, login.privateKey, { mode: 0o600 });
    return { name, requestId, image, hostKey, identity, authorizedKeys: [login.publicKey], options };
  }

  /** Logs in with the key of its spec, and trusts no other than its host key. */
  async logIn(
    machine: Machine,
    { identity, hostKey }: Pick<Wanted, 'identity' | 'hostKey'>,
    open: Open = (signal) => this.connect(machine, signal),
  ): Promise<Transport> {
    const { ssh } = machine;
    if (ssh === undefined) throw new Error('nobody says how to log in');
    const { endpoint, user } = ssh;
    const route: Route = { kind: 'stream', open };
    const target: SshTarget = {
      ...{ alias: machine.name, user, hostKeys: [hostKey.publicKey] },
      ...{ identityFiles: [identity], identitiesOnly: true, knownHostsFiles: [] },
      ...(endpoint.kind === 'tcp' ? endpoint : { host: machine.name, port: 0, route }),
    };
    const [hostKeys, identities] = await Promise.all([hostKeyPolicy(target), loadIdentities({ target })]);
    const connected = await connectSsh2({
      target,
      hostKeys,
      identities,
      timeoutMs: 60_000,
      keepaliveMs: 15_000,
      env: process.env,
    });
    return connected.transport;
  }

  async connect(machine: Machine, signal?: AbortSignal): Promise<Duplex> {
    if (this.provider.connect === undefined) throw new Error('it cannot connect');
    return this.provider.connect(machine, { signal });
  }

  /** What a command says there, on stdout. */
  async run(
    machine: Machine,
    wanted: Pick<Wanted, 'identity' | 'hostKey'>,
    command: string,
    ...open: readonly Open[]
  ): Promise<string> {
    const transport = await this.logIn(machine, wanted, ...open);
    try {
      return await output(transport, command);
    } finally {
      await transport.close();
    }
  }

  /** The names of the containers that there are. */
  containers(): string[] {
    return this.docker.run('ps', '--all', '--format', '{{.Names}}').split('\n').filter(Boolean);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.docker[Symbol.asyncDispose]();
    this.place.remove();
  }
}

type Open = (signal: AbortSignal) => Promise<Duplex>;

export interface Wanted extends MachineSpec {
  readonly identity: string;
}

export async function providerOf(host: string): Promise<Provider> {
  return dockerProvider({ env: { PATH: process.env['PATH'], DOCKER_HOST: host }, homeDir: '/nonexistent' });
}

export async function output(transport: Transport, command: string): Promise<string> {
  const channel = await transport.exec(command);
  channel.stdin.end();
  let text = '';
  for await (const chunk of channel.stdout) text += String(chunk);
  await channel.exit;
  return text.trim();
}

export async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await once(stream, 'close');
}
