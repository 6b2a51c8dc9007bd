import * as v from 'valibot';
import { SidecarError } from '../../../errors.js';
import type { CallOptions } from '../../provider.js';
import { pullLine, refusalOf } from './answers.js';
import { dockerHub } from '../registry/image-registry.js';
import { registryAuth, type RegistryLogin } from '../registry/registry-login.js';
import { askForLines, type EngineLine } from './request.js';

export interface PullRequest {
  readonly image: string;
  readonly platform?: string | undefined;
  readonly login: RegistryLogin;
  /** It is there already, and is to be fetched again. */
  readonly isThere?: boolean;
  readonly progress?: ((line: string) => void) | undefined;
}

/** How long a registry may say nothing, in milliseconds. */
const silenceMs = 300_000;

/** Fetches an image. Throws `provider.failed` with what the registry said. */
export async function pullImage(
  line: EngineLine,
  api: string,
  { image, platform, login, isThere = false, progress = () => undefined }: PullRequest,
  options: CallOptions,
): Promise<void> {
  const [fromImage, tag] = splitReference(image);
  const query = new URLSearchParams({ fromImage, tag, ...(platform === undefined ? {} : { platform }) });
  let failure: string | undefined;
  const onLine = (text: string): void => {
    const said = readLine(text);
    failure ??= said?.error;
    // A layer tells of each of its parts, and of each piece.
    const words = said?.id === undefined || said.status === 'Pull complete' ? said?.status : undefined;
    if (words !== undefined) progress(said?.id === undefined || said.id === tag ? words : `${said.id}: ${words}`);
  };
  const request = {
    ...options,
    method: 'POST',
    path: `${api}/images/create?${query.toString()}`,
    registryAuth: registryAuth(login),
    limitMs: silenceMs,
  } as const;
  const answer = await askForLines(line, request, onLine);
  if (answer.status !== 200) failure = refusalOf(answer).message;
  if (failure === undefined) return;
  const what = isThere ? 'cannot be fetched' : 'is not here, and cannot be fetched';
  const reason = `the image ${image} ${what}: ${failure.slice(0, 500)}`;
  const suggestion = isThere ? 'leave out `pull=always`: it is there already' : suggestionAbout(image, login);
  throw new SidecarError('provider.failed', { reason, suggestion }, { retryable: answer.status >= 502 });
}

function suggestionAbout(image: string, { registry, credentials, trouble }: RegistryLogin): string {
  const pulled = `see that \`docker pull ${image}\` works: what it has fetched is taken from here`;
  if (trouble !== undefined) return `nobody was logged in to its registry, for ${trouble}; or ${pulled}`;
  if (credentials !== undefined) return pulled;
  return `where that takes a login, \`docker login${registry === dockerHub ? '' : ` ${registry}`}\`; or ${pulled}`;
}

function readLine(text: string): v.InferOutput<typeof pullLine> | undefined {
  try {
    const parsed = v.safeParse(pullLine, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** Without a tag the engine would fetch every one. */
function splitReference(image: string): [name: string, tag: string] {
  const [name = '', digest] = image.split('@', 2);
  if (digest !== undefined) return [name, digest];
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}
