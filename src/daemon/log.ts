import { appendFileSync, renameSync, statSync } from 'node:fs';

export interface Log {
  /** One line. Never a secret: no environment, no passphrase. */
  write(event: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** When the file has grown to this size, in bytes, a new one is begun. The one before it is kept as `.1`. */
const longest = 1024 * 1024;

/** A log of JSON lines, only for its owner to read. Where it cannot be written, nobody is bothered. */
export function openLog(file: string, now: () => Date = () => new Date()): Log {
  let size = sizeOf(file);
  return {
    write(event, facts = {}) {
      const line = `${JSON.stringify({ time: now().toISOString(), event, ...facts })}\n`;
      try {
        if (size + line.length > longest) {
          renameSync(file, `${file}.1`);
          size = 0;
        }
        // Before the answer that it tells of: somebody may read it then.
        appendFileSync(file, line, { mode: 0o600 });
        size += line.length;
      } catch {
        size = sizeOf(file);
      }
    },
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
