import { SidecarError } from '../../../errors.js';
import type { CallOptions } from '../../provider.js';
import { engineHost } from './address.js';
import { parseAnswer, refusalOf, version } from './answers.js';
import { refused } from './failure.js';
import { ask, type EngineLine } from './request.js';

/** Docker 20.10 and podman 3 have it. Nothing newer is needed. */
const wanted: ApiVersion = [1, 41];

type ApiVersion = readonly [major: number, minor: number];

/**
 * The version of the API to speak: ours, or the oldest that the engine still speaks. Throws `provider.failed` where it
 * is too old, or speaks something else.
 */
export async function negotiate(line: EngineLine, options: CallOptions): Promise<string> {
  const answer = await ask(line, { ...options, method: 'GET', path: '/version' });
  if (answer.status !== 200) throw notWell(line, refusalOf(answer));
  const { ApiVersion, MinAPIVersion, Version } = parseAnswer(answer, version, 'its version');
  const newest = parse(ApiVersion);
  const oldest = MinAPIVersion === undefined ? wanted : parse(MinAPIVersion);
  if (isBefore(newest, wanted)) {
    const reason = `the container engine at ${engineHost(line.address)} is too old: ${Version} speaks version ${ApiVersion} of the API`;
    const suggestion = `update it: version ${wanted.join('.')} is needed, which Docker 20.10 and podman 3 have`;
    throw new SidecarError('provider.failed', { reason, suggestion }, { retryable: false });
  }
  return (isBefore(wanted, oldest) ? oldest : wanted).join('.');
}

function notWell(line: EngineLine, refusal: { readonly status: number; readonly message: string }): SidecarError {
  if (!/HTTP request to an HTTPS server/i.test(refusal.message)) return refused(refusal, 'tell its version');
  const reason = `the engine at ${engineHost(line.address)} wants TLS`;
  const suggestion = 'set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of its certificates';
  return new SidecarError('provider.failed', { reason, suggestion }, { retryable: false });
}

function parse(text: string): ApiVersion {
  const [major = 0, minor = 0] = text.split('.').map((part) => Number.parseInt(part, 10));
  return [major, minor];
}

function isBefore([major, minor]: ApiVersion, [otherMajor, otherMinor]: ApiVersion): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}
