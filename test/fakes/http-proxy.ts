import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface HttpProxy extends AsyncDisposable {
  readonly port: number;
  /** What was asked for so far: `host:port`, and the credentials given. */
  readonly asked: readonly { readonly target: string; readonly credentials: string | undefined }[];
  stop(): Promise<void>;
}

/** An HTTP proxy that takes CONNECT and nothing else: to loopback, whatever name is asked for. */
export async function startHttpProxy({ refuseWith }: { readonly refuseWith?: number } = {}): Promise<HttpProxy> {
  const asked: { target: string; credentials: string | undefined }[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer().on('connect', (request, near: Duplex) => {
    sockets.add(near.on('error', () => undefined));
    const { url: target = '', headers } = request;
    asked.push({ target, credentials: headers['proxy-authorization'] });
    if (refuseWith !== undefined) {
      near.end(`HTTP/1.1 ${refuseWith} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const far = connect({ port: Number(target.split(':').at(-1)), host: '127.0.0.1' }, () => {
      near.write('HTTP/1.1 200 OK\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port: (server.address() as AddressInfo).port, asked, stop, [Symbol.asyncDispose]: stop };
}
