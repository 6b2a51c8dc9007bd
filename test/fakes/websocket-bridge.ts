import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';

export interface BridgeOptions {
  /** With TLS, as the server of this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** What to answer a request with instead of opening a WebSocket; undefined: it opens. */
  readonly answer?: (headers: IncomingHttpHeaders) => number | undefined;
}

export interface WebSocketBridge extends AsyncDisposable {
  readonly port: number;
  /** The headers of every request so far. */
  readonly requests: readonly IncomingHttpHeaders[];
  /** Breaks every connection, without a word. */
  cut(): void;
  /** Closes every WebSocket as the protocol has it, and then neither hears nor says a word. */
  close(): void;
  /** Resolves once no WebSocket is open. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** A gateway: joins each WebSocket that is opened to it with a new connection to `port` on loopback. */
export async function startWebSocketBridge(
  port: number,
  { tls, answer = () => undefined }: BridgeOptions = {},
): Promise<WebSocketBridge> {
  const requests: IncomingHttpHeaders[] = [];
  const sockets = new Set<Duplex>();
  const open = new Set<WebSocket>();
  const webSockets = new WebSocketServer({ noServer: true });
  const server = tls === undefined ? createHttpServer() : createHttpsServer(tls);
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    requests.push(request.headers);
    const status = answer(request.headers);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      open.add(webSocket);
      webSocket.once('close', () => open.delete(webSocket));
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      const near = createWebSocketStream(webSocket);
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.destroy());
      near.pipe(far).pipe(near);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    cut();
    server.close();
    await once(server, 'close');
  };
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    cut,
    close: () => {
      for (const webSocket of open) {
        webSocket.close();
        webSocket.pause();
      }
    },
    idle: async () => {
      await Promise.all([...open].map((webSocket) => new Promise((resolve) => webSocket.once('close', resolve))));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
