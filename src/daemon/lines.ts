import type { Socket } from 'node:net';

/** Lines that are being read. */
export interface Lines {
  /** Pauses the socket, and gives back what has come after the last line: bytes of another kind begin there. */
  release(): Buffer;
}

/** Calls `onLine` for each line that arrives. The socket is destroyed when one grows beyond `limit` bytes. */
export function readLines(
  socket: Socket,
  { limit, onLine }: { readonly limit: number; readonly onLine: (line: string) => void },
): Lines {
  /** The beginning of a line that is still to end. */
  let parts: Buffer[] = [];
  let length = 0;
  let released = false;
  const onData = (chunk: Buffer): void => {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8');
      rest = rest.subarray(end + 1);
      [parts, length] = [[rest], rest.length];
      onLine(line);
      if (released) return;
      [parts, length] = [[], 0];
    }
    parts.push(rest);
    length += rest.length;
    if (length > limit) socket.destroy();
  };
  socket.on('data', onData);
  return {
    release: () => {
      released = true;
      socket.off('data', onData).pause();
      return Buffer.concat(parts);
    },
  };
}
