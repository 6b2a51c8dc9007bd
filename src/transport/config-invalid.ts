import { isAbsolute } from 'node:path';
import { SidecarError } from '../errors.js';

/** ssh says `FILE: line 2: Bad configuration option: prot`, and where a value is bad `FILE line 2: …`. */
export function configInvalid(host: string, reason: string): SidecarError {
  const [, file, line] = /^(.+?):? line (\d+): /.exec(reason) ?? [];
  const place = file === undefined || !isAbsolute(file) ? {} : { file, line: Number(line) };
  return new SidecarError('ssh.config_invalid', { host, reason, ...place }, { retryable: false });
}
