import { SidecarError } from '../errors.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { AgentKeys } from '../transport/agent-keys.js';
import type { IdentityFile } from '../transport/identity-file.js';
import { resolveSshHost, type ResolvedSshHost } from '../transport/ssh-config.js';
import { after, ok, warning, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';

/** What there is to log in with: for this sidecar, where it is one that ssh reaches, else for any machine. */
export function keyChecks(
  patient: Patient,
  { limit, chosen }: { readonly limit: Limit; readonly chosen: Promise<SidecarRecord | undefined> },
): readonly Check[] {
  const agentKeys = looked(patient, chosen).then(async (host) => ({ host, keys: await agentOf(host) }));
  agentKeys.catch(() => undefined); // a check looks at it later
  const agent = after('ssh', limit(agentKeys));
  agent.catch(() => undefined);
  return [
    { id: 'agent', run: async () => judgeAgent(await agent) },
    {
      id: 'keys',
      run: async () => {
        const { provider } = (await chosen.catch(() => undefined)) ?? {};
        if (provider?.kind === 'made')
          return ok(provider.by === 'api' ? 'keys.of_this_machine' : 'keys.of_its_own', {});
        const { host, keys } = await agent;
        if (host.openssh !== undefined) return ok('keys.left_to_ssh', {});
        const files = await limit(readFiles(host));
        return judgeKeys(files, {
          inAgent: keys?.keys.length ?? 0,
          named: provider?.kind === 'ssh' ? provider.identity : undefined,
        });
      },
    },
  ];
}

async function looked(
  { env, homeDir, signal }: Patient,
  chosen: Promise<SidecarRecord | undefined>,
): Promise<ResolvedSshHost> {
  const record = await chosen.catch(() => undefined);
  const { host, user, port, identity, jump, transport } =
    record?.provider.kind === 'ssh' ? record.provider : { host: 'localhost' };
  return resolveSshHost({ host, user, port, identity, jump, transport, env, homeDir, signal });
}

// ssh2 takes its time to load.
async function agentOf({ agentSocket }: ResolvedSshHost): Promise<AgentKeys | undefined> {
  if (agentSocket === undefined) return undefined;
  const { listAgentKeys } = await import('../transport/agent-keys.js');
  return listAgentKeys(agentSocket);
}

async function readFiles({ identityFiles }: ResolvedSshHost): Promise<readonly IdentityFile[]> {
  const { readIdentityFile } = await import('../transport/identity-file.js');
  return Promise.all(identityFiles.map(readIdentityFile));
}

function judgeAgent({ host, keys }: { host: ResolvedSshHost; keys: AgentKeys | undefined }): Verdict {
  const { agentSocket: socket } = host;
  if (socket === undefined || keys === undefined) return ok('agent.absent', {});
  const [reason] = keys.passedOver;
  // An agent that lists its keys names those that cannot be used, each by its comment.
  if (reason?.startsWith(`ssh-agent at ${socket}`) === true) return warning('agent.unreachable', { reason });
  return ok('agent.holds', { socket, keys: keys.keys.length });
}

function judgeKeys(
  files: readonly IdentityFile[],
  { inAgent, named }: { readonly inAgent: number; readonly named?: string | undefined },
): Verdict {
  const paths = files.flatMap(({ path, secret }) => (secret.kind === 'unusable' ? [] : [path]));
  const locked = files.flatMap(({ path, secret }) => (secret.kind === 'encrypted' ? [path] : []));
  const unusable = files.flatMap(({ path, secret }) =>
    secret.kind === 'unusable' ? [{ path, reason: secret.reason }] : [],
  );
  const bad = unusable.find(({ path }) => path === named);
  if (bad !== undefined && inAgent === 0) throw new SidecarError('ssh.key_unusable', bad);
  if (unusable.length > 0) {
    const facts = { paths, reasons: unusable.map(({ path, reason }) => `${path}: ${reason}`) };
    return warning('keys.unusable', facts);
  }
  if (paths.length > 0) return ok('keys.usable', { paths, locked });
  return inAgent > 0 ? ok('keys.in_agent', {}) : warning('keys.none', {});
}
