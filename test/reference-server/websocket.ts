import type { Server } from 'node:http';
import { connect } from 'node:net';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** SSH by a WebSocket at `/v1/sidecars/{id}/ssh`: joined with the port on loopback where that machine's server is. */
export function joinWebSockets(server: Server, portOf: (id: string) => Promise<number | undefined>): void {
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    void (async () => {
      const [, id = ''] = /\/v1\/sidecars\/([^/]+)\/ssh$/.exec(request.url ?? '') ?? [];
      const port = await portOf(id);
      if (port === undefined) {
        socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        const far = connect({ port, host: '127.0.0.1', noDelay: true });
        const near = createWebSocketStream(webSocket);
        near.on('error', () => far.destroy()).on('close', () => far.destroy());
        far.on('error', () => near.destroy());
        near.pipe(far).pipe(near);
      });
    })();
  });
}
