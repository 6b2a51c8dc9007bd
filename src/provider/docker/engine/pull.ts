import * as v from 'valibot';
import { SidecarError } from '../../../errors.js';
import type { CallOptions } from '../../provider.js';
import { pullLine, refusalOf } from './answers.js';
import { askForLines, type EngineLine } from './request.js';

export interface PullRequest {
  readonly image: string;
  readonly platform?: string | undefined;
  readonly progress?: ((line: string) => void) | undefined;
}

/** How long a registry may say nothing, in milliseconds. */
const silenceMs = 300_000;

/** Fetches an image. Throws `provider.failed` with what the registry said. */
export async function pullImage(
  line: EngineLine,
  api: string,
  { image, platform, progress = () => undefined }: PullRequest,
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
    limitMs: silenceMs,
  } as const;
  const answer = await askForLines(line, request, onLine);
  if (answer.status !== 200) failure = refusalOf(answer).message;
  if (failure === undefined) return;
  const reason = `the image ${image} is not here, and cannot be fetched: ${failure.slice(0, 500)}`;
  const suggestion = `see that \`docker pull ${image}\` works: what it has fetched is taken from here`;
  throw new SidecarError('provider.failed', { reason, suggestion }, { retryable: answer.status >= 502 });
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
