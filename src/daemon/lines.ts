import { StringDecoder } from 'node:string_decoder';
import type { Socket } from 'node:net';

/** Calls `onLine` for each line that arrives. The socket is destroyed when one grows beyond `limit` characters. */
export function readLines(socket: Socket, { limit, onLine }: { limit: number; onLine: (line: string) => void }): void {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let length = 0;
  socket.on('data', (chunk: Buffer) => {
    const lines = decoder.write(chunk).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole = parts.join('') + line;
      parts = [];
      length = 0;
      onLine(whole);
    }
    parts.push(rest);
    length += rest.length;
    if (length > limit) socket.destroy();
  });
}
