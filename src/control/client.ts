import createClient from 'openapi-fetch';
import * as v from 'valibot';
import type { Clock } from '../clock.js';
import type { AccessTokens } from './access-tokens.js';
import { alreadyExists, health, mark, sidecar, sidecarList, type Mark, type Sidecar } from './answers.js';
import { checked, failureIn, refused, unanswered, wordsOf, type Answer, type Call } from './failures.js';
import { authorized } from './http/authorized.js';
import { briefReadPolicy, readPolicy, survivingReads } from './http/reads.js';
import type { Send } from './http/send.js';
import type { components, paths } from './openapi-types.js';

export interface ControlPlaneOptions {
  /** As `serverAddress` gives it. */
  readonly server: string;
  readonly tokens: AccessTokens;
  readonly send: Send;
  readonly clock: Clock;
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whoever asks will ask again: what may pass is not waited out here for long. */
  readonly brief?: boolean | undefined;
  /** How long one answer may take, in milliseconds, where that is less than usual. */
  readonly limitMs?: number | undefined;
}

/** `taken`: the name is another's. */
type Created = { readonly kind: 'made' | 'exists'; readonly sidecar: Sidecar } | { readonly kind: 'taken' };

/** `unknown` may only mean that it is too new; `gone` does not. */
type Found = { readonly kind: 'found'; readonly sidecar: Sidecar } | { readonly kind: 'unknown' | 'gone' };

/**
 * The calls of a control plane, as openapi.json describes them. Reads survive what passes; everything else is asked for once,
 * and once more only where the server did not take the token.
 *
 * Throws `provider.unauthenticated`, `provider.quota`, `provider.unavailable`, `provider.failed`, `provider.protocol`, each
 * with `server`, `call`, the `status` and in full what the service said; what `AccessTokens` throw; the signal's reason.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #client;
  /** Every token that was sent. */
  readonly #tokens = new Set<string>();

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#client = createClient<paths>({ baseUrl: options.server });
  }

  /** One that is registered already is registered. */
  async registerKey(body: components['schemas']['NewKey'], options: AskOptions = {}): Promise<'registered' | 'known'> {
    const call = this.#call('POST /v1/keys');
    const answer = await this.#ask(call, options, (how) => this.#client.POST('/v1/keys', { body, ...how }));
    if (isGood(answer)) return 'registered';
    if (answer.status === 409) return 'known';
    throw refused(call, answer);
  }

  /** Asks for it once. To be asked again with the same `requestId` where it failed in a way that may pass. */
  async create(body: components['schemas']['NewSidecar'], options: AskOptions = {}): Promise<Created> {
    const call = { ...this.#call('POST /v1/sidecars'), makes: true };
    const params = { header: { 'Idempotency-Key': body.requestId } };
    const answer = await this.#ask(call, options, (how) => this.#client.POST('/v1/sidecars', { params, body, ...how }));
    if (isGood(answer)) return { kind: 'made', sidecar: checked(call, answer, sidecar) };
    if (answer.status !== 409 || failureCode(answer) !== 'already_exists') throw refused(call, answer);
    const { document } = answer;
    const other = v.safeParse(v.object({ sidecar: mark }), document);
    const isOthers = other.success && ![undefined, body.requestId].includes(other.output.sidecar.requestId);
    return isOthers ? { kind: 'taken' } : { kind: 'exists', sidecar: checked(call, answer, alreadyExists).sidecar };
  }

  /** All of the user's that are as agreed. Another is left out, unless it `isMeant`: then it is `provider.protocol`. */
  async sidecars(
    options: AskOptions & { readonly isMeant?: (mark: Mark) => boolean } = {},
  ): Promise<readonly Sidecar[]> {
    const { call, answer, documents } = await this.#list(options);
    return documents.flatMap((document) => {
      const good = v.safeParse(sidecar, document);
      if (good.success) return [good.output];
      const marked = v.safeParse(mark, document);
      const isMeant = marked.success && options.isMeant?.(marked.output) === true;
      return isMeant ? [checked(call, { ...answer, document }, sidecar)] : [];
    });
  }

  /** What all of the user's are told by, whatever else is wrong with them. */
  async marks(options: AskOptions = {}): Promise<readonly Mark[]> {
    const { documents } = await this.#list(options);
    return documents.flatMap((document) => {
      const marked = v.safeParse(mark, document);
      return marked.success ? [marked.output] : [];
    });
  }

  async sidecar(id: string, options: AskOptions = {}): Promise<Found> {
    const call = this.#call('GET /v1/sidecars/{id}');
    const params = { path: { id } };
    const answer = await this.#ask(call, options, (how) => this.#client.GET('/v1/sidecars/{id}', { params, ...how }));
    if (isGood(answer)) return { kind: 'found', sidecar: checked(call, answer, sidecar) };
    if (answer.status === 410) return { kind: 'gone' };
    if (answer.status === 404 && failureIn(answer) !== undefined) return { kind: 'unknown' };
    throw refused(call, answer);
  }

  /** Has one that is in standby start; one that is being started, or runs, is (409). `unknown` and `gone` as for `sidecar`. */
  async resume(id: string, options: AskOptions = {}): Promise<'accepted' | 'unknown' | 'gone'> {
    const call = this.#call('POST /v1/sidecars/{id}/resume');
    const params = { path: { id } };
    const answer = await this.#ask(call, options, (how) =>
      this.#client.POST('/v1/sidecars/{id}/resume', { params, ...how }),
    );
    if (isGood(answer) || answer.status === 409) return 'accepted';
    if (answer.status === 410) return 'gone';
    if (answer.status === 404 && failureIn(answer) !== undefined) return 'unknown';
    throw refused(call, answer);
  }

  /** `unknown`: there is none of that id, which may only mean that it is too new; one that is known to be gone is deleted. */
  async delete(id: string, options: AskOptions = {}): Promise<'deleted' | 'unknown'> {
    const call = this.#call('DELETE /v1/sidecars/{id}');
    const params = { path: { id } };
    const answer = await this.#ask(call, options, (how) =>
      this.#client.DELETE('/v1/sidecars/{id}', { params, ...how }),
    );
    if (isGood(answer) || answer.status === 410) return 'deleted';
    if (answer.status !== 404) throw refused(call, answer);
    if (failureIn(answer) !== undefined) return 'unknown';
    // That was not the service that speaks, perhaps. Where it is another server, the machine would live on.
    const left = await this.sidecars({ ...options, isMeant: (each) => each.id === id });
    if (left.some((each) => each.id === id)) throw refused(call, answer);
    return 'unknown';
  }

  /** What the service says, for a person, without any token: for what is shown of its answers. */
  words(text: string): string {
    return wordsOf(text, { tokens: this.#tokens });
  }

  /** What the service says of itself, to anybody. */
  async health(options: AskOptions = {}): Promise<string> {
    const asAnybody = { ...options, asAnybody: true };
    const answer = await this.#good('GET /v1/health', health, asAnybody, (how) => this.#client.GET('/v1/health', how));
    return answer.status;
  }

  #call(call: string): Call {
    return { server: this.#options.server, call, tokens: this.#tokens };
  }

  async #list(options: AskOptions): Promise<{ call: Call; answer: Answer; documents: readonly unknown[] }> {
    const call = this.#call('GET /v1/sidecars');
    const answer = await this.#ask(call, options, (how) => this.#client.GET('/v1/sidecars', how));
    if (!isGood(answer)) throw refused(call, answer);
    return { call, answer, documents: checked(call, answer, sidecarList).sidecars };
  }

  async #good<T>(name: string, schema: v.GenericSchema<unknown, T>, options: HowToAsk, ask: Ask): Promise<T> {
    const call = this.#call(name);
    const answer = await this.#ask(call, options, ask);
    if (!isGood(answer)) throw refused(call, answer);
    return checked(call, answer, schema);
  }

  async #ask(call: Call, options: HowToAsk, ask: Ask): Promise<Answer> {
    const { tokens, send, clock } = this.#options;
    const { signal, limitMs, brief = false, asAnybody = false } = options;
    const surviving = survivingReads(send, { clock, policy: brief ? briefReadPolicy : readPolicy });
    const sendAs = asAnybody ? surviving : authorized(surviving, tokens, (token) => this.#tokens.add(token));
    const fetch: Fetch = async (request) => {
      const { method, url, headers } = request;
      const text = await request.text();
      const body = text === '' ? undefined : text;
      return sendAs({ method, url, headers: Object.fromEntries(headers), body, signal, limitMs });
    };
    try {
      const { data, error, response } = await ask({ fetch, parseAs: 'text' });
      const document = response.ok ? parsed(data) : typeof error === 'string' ? undefined : error;
      return { status: response.status, headers: response.headers, document };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw unanswered(call, error);
    }
  }
}

/** `asAnybody`: without a token. */
type HowToAsk = AskOptions & { readonly asAnybody?: boolean };
type Fetch = (request: Request) => Promise<Response>;
/** As text: a body that is no JSON is told as such. */
type How = { readonly fetch: Fetch; readonly parseAs: 'text' };
type Ask = (how: How) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

const isGood = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** As the service names it, also where it says no more. */
function failureCode({ document }: Answer): unknown {
  return (document as { readonly error?: { readonly code?: unknown } } | undefined)?.error?.code;
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}
