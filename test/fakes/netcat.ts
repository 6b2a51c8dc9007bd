/** A program that joins its input and output with a port on loopback, as `nc` does, and breaks with the connection. */
export function netcat(port: number): [string, ...string[]] {
  const program =
    `const socket = require('net').connect({ port: ${port}, host: '127.0.0.1', noDelay: true });` +
    `process.stdin.pipe(socket).pipe(process.stdout);`;
  return [process.execPath, '-e', program];
}
