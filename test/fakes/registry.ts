import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Registry extends AsyncDisposable {
  /** As images of it begin. */
  readonly host: string;
  /** Who has asked, with the password: `user:password`, or nobody. */
  readonly visitors: ReadonlySet<string | undefined>;
}

/**
 * A registry with one image, `private/image:latest`, for whoever knows the password. Source:
 * https://distribution.github.io/distribution/spec/api/
 */
export async function startRegistry({ login }: { readonly login: string }): Promise<Registry> {
  const layer = Buffer.alloc(1024); // an empty tar
  const packed = gzipSync(layer);
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', config: { User: 'dev' } },
      rootfs: { type: 'layers', diff_ids: [digest(layer)] },
    }),
  );
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: type },
      config: described('application/vnd.docker.container.image.v1+json', config),
      layers: [described('application/vnd.docker.image.rootfs.diff.tar.gzip', packed)],
    }),
  );
  const manifests = new Map([manifest].flatMap((each) => [['latest', each] as const, [digest(each), each] as const]));
  const blobs = new Map([config, packed].map((each) => [digest(each), each]));
  const visitors = new Set<string | undefined>();

  const server = createServer((request, response) => {
    const visitor = visitorOf(request);
    visitors.add(visitor);
    if (visitor !== login) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="here"' }).end();
      return;
    }
    const [, kind, name = ''] = /^\/v2\/private\/image\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const found = kind === 'manifests' ? manifests.get(name) : blobs.get(name);
    if (kind === undefined) response.writeHead(200).end('{}');
    else if (found === undefined) response.writeHead(404).end();
    else {
      const headers = { 'Content-Type': kind === 'manifests' ? type : 'application/octet-stream' };
      response.writeHead(200, {
        ...headers,
        'Content-Length': found.length,
        'Docker-Content-Digest': digest(found),
      });
      response.end(request.method === 'HEAD' ? undefined : found);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    visitors,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function visitorOf({ headers }: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

function described(mediaType: string, content: Buffer): object {
  return { mediaType, size: content.length, digest: digest(content) };
}

function digest(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
