import type { Exit } from '../transport/transport.js';

/** Numbers of the signals that SSH has names for (RFC 4254 §6.10), as most systems number them. */
const signals: Readonly<Record<string, number>> = {
  ...{ HUP: 1, INT: 2, QUIT: 3, ILL: 4, ABRT: 6, FPE: 8, KILL: 9 },
  ...{ USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15 },
};

/** What a shell says of a command that ended so: its code, 128+n for signal n. */
export function exitCode(exit: Exit): number {
  return exit.kind === 'code' ? exit.code : 128 + (signals[exit.signal] ?? 0);
}
