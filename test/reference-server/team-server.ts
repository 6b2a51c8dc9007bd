import { startOidcServer, type OidcServer } from '../fakes/oidc-server.js';
import { Gateway } from './gateway.js';
import { ReferenceServer } from './server.js';

export interface TeamServer extends AsyncDisposable {
  readonly url: string;
  readonly login: OidcServer;
  readonly service: ReferenceServer;
  /** Before both. */
  readonly gateway: Gateway;
}

/** A whole control plane at one address: the reference server, with a real OpenID provider in front of it. */
export async function startTeamServer({
  stateDir,
  accessSeconds,
}: {
  readonly stateDir: string;
  /** How long a token is good. Default: an hour. */
  readonly accessSeconds?: number;
}): Promise<TeamServer> {
  const gateway = new Gateway();
  const service = new ReferenceServer({ stateDir, account: (token) => login.accountOf(token) });
  const login = await startOidcServer({
    ...(accessSeconds === undefined ? {} : { accessSeconds }),
    api: (request, response) => service.serve(request, response),
    gateway: gateway.answer,
  });
  return {
    ...{ url: login.url, login, service, gateway },
    [Symbol.asyncDispose]: async () => {
      await login.stop();
      await service[Symbol.asyncDispose]();
    },
  };
}
