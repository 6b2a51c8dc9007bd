import { SidecarError } from '../errors.js';
import type { SidecarRecord } from '../sidecars/record.js';
import { ok, skipped, TooSlow, Unmade, warning, type Check } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';

/** The control plane of the sidecar, or else the one that is configured: whether it answers, and knows the user. */
export function controlPlaneCheck(
  patient: Patient,
  { limit, chosen }: { readonly limit: Limit; readonly chosen: Promise<SidecarRecord | undefined> },
): Check {
  return {
    id: 'control_plane',
    run: async () => {
      const its = serverOf(await chosen.catch(() => undefined));
      const [server, ...others] = its === undefined ? await configured(patient).catch(judgedElsewhere) : [its];
      if (server === undefined) return skipped('control_plane.none', {});
      if (others.length > 0) return skipped('control_plane.several', { servers: [server, ...others] });
      try {
        return ok('control_plane.answers', { server, status: await limit(health(server, patient)) });
      } catch (error) {
        // What is on the way to this sidecar is none of it.
        if (its !== undefined) throw error;
        if (error instanceof TooSlow) return warning('control_plane.silent', { server, seconds: error.limitMs / 1000 });
        if (error instanceof SidecarError) return { result: 'warning', error };
        throw error;
      }
    },
  };
}

function serverOf(record: SidecarRecord | undefined): string | undefined {
  const { provider } = record ?? {};
  return provider?.kind === 'made' && provider.by === 'api' ? provider.place['server'] : undefined;
}

/** Those that can be meant. Throws `settings.invalid`, and `usage.invalid` for an address that is none. */
async function configured({ env, home }: Patient): Promise<readonly string[]> {
  const { possibleServers } = await import('../control/server.js');
  return possibleServers({ env, ...home });
}

function judgedElsewhere(error: unknown): never {
  throw error instanceof SidecarError && error.code === 'settings.invalid' ? new Unmade('settings.user') : error;
}

/** What it says of itself. Its users' sidecars are asked for because only that needs a login. */
async function health(server: string, { env, home, clock, signal, finishing }: Patient): Promise<string> {
  const [{ ControlPlane }, { openAccessTokens }, { sender }] = await Promise.all([
    import('../control/client.js'),
    import('../control/open-access-tokens.js'),
    import('../control/http/send.js'),
  ]);
  const send = sender({ env });
  const tokens = openAccessTokens({ server, env, stateDir: home.stateDir, clock, send, finishing });
  const control = new ControlPlane({ server, tokens, send, clock });
  const options = { signal, brief: true };
  const status = await control.health(options);
  await control.sidecars(options);
  return status;
}
