import { label, labelsOf } from '../docker/labels.js';
import type { CallOptions, MachineRef } from '../provider.js';
import { parseAnswer, refusalOf } from '../docker/engine/answers.js';
import { good, json, type Engine } from '../docker/engine/engine.js';
import { refused } from '../docker/engine/failure.js';
import type { EngineAnswer } from '../docker/engine/request.js';
import * as answers from './answers.js';
import type { Node, Service, Task } from './answers.js';

/** A file of a service, kept by the swarm: a secret or a config. */
export interface SwarmFile {
  readonly kind: 'secrets' | 'configs';
  readonly name: string;
  readonly data: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type NewService = { readonly kind: 'made'; readonly id: string } | { readonly kind: 'name-taken' };

/**
 * The part of the API of a swarm's manager that is needed here. Everything throws as `Engine` does; an engine that is no
 * manager says so.
 */
export class SwarmManager {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** By id or name. Undefined: there is none. */
  async service(id: string, options: CallOptions): Promise<Service | undefined> {
    const answer = await this.#engine.ask('GET', `/services/${encodeURIComponent(id)}`, options);
    if (answer.status === 404) return undefined;
    return parseAnswer(fine(answer, 'tell about the service'), answers.serviceAnswer, 'a service');
  }

  /** All that have these labels, `name` or `name=value`. */
  async servicesLabelled(labels: readonly string[], options: CallOptions): Promise<readonly Service[]> {
    const answer = await this.#engine.ask('GET', `/services?${filters({ label: labels })}`, options);
    return parseAnswer(fine(answer, 'list its services'), answers.serviceList, 'its services');
  }

  async makeService(
    spec: object,
    { registryAuth, ...options }: CallOptions & { readonly registryAuth?: string | undefined },
  ): Promise<NewService> {
    const answer = await this.#engine.ask('POST', '/services/create', { ...options, ...json(spec), registryAuth });
    if (answer.status === 409) return { kind: 'name-taken' };
    return { kind: 'made', id: idOf(fine(answer, 'make the service')) };
  }

  /** How many tasks a service is to have. */
  async scale({ ID, Version, Spec }: Service, replicas: number, options: CallOptions): Promise<void> {
    const spec = { ...Spec, Mode: { ...Spec.Mode, Replicated: { ...Spec.Mode.Replicated, Replicas: replicas } } };
    const path = `/services/${ID}/update?version=${Version.Index}`;
    fine(await this.#engine.ask('POST', path, { ...options, ...json(spec) }), 'scale the service');
  }

  /** One that is gone already is removed. */
  async removeService(id: string, options: CallOptions): Promise<void> {
    const answer = await this.#engine.ask('DELETE', `/services/${id}`, options);
    if (answer.status !== 404) fine(answer, 'remove the service');
  }

  /** The tasks of a service, the newest first. */
  async tasks(service: string, options: CallOptions): Promise<readonly Task[]> {
    const answer = await this.#engine.ask('GET', `/tasks?${filters({ service: [service] })}`, options);
    const tasks = parseAnswer(fine(answer, 'list the tasks'), answers.taskList, 'its tasks');
    return tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1));
  }

  async node(id: string, options: CallOptions): Promise<Node | undefined> {
    const answer = await this.#engine.ask('GET', `/nodes/${encodeURIComponent(id)}`, options);
    if (answer.status === 404) return undefined;
    return parseAnswer(fine(answer, 'tell about the node'), answers.nodeAnswer, 'a node');
  }

  /** Returns its id. One of that name is the same: names hold the request id. */
  async keepFile({ kind, name, data, labels }: SwarmFile, options: CallOptions): Promise<string> {
    const body = { Name: name, Labels: labels, Data: Buffer.from(data).toString('base64') };
    const answer = await this.#engine.ask('POST', `/${kind}/create`, { ...options, ...json(body) });
    if (answer.status !== 409) return idOf(fine(answer, `keep the ${kind}`));
    const found = (await this.#files(kind, { name: [name] }, options)).find(({ Spec }) => Spec.Name === name);
    if (found !== undefined) return found.ID;
    throw refused(refusalOf(answer), `keep the ${kind}`);
  }

  /** All of a machine. Those that are gone already are removed. */
  async removeFiles(of: Pick<MachineRef, 'name' | 'requestId'>, options: CallOptions): Promise<void> {
    for (const kind of ['secrets', 'configs'] as const) {
      for (const { ID, Spec } of await this.#files(kind, { label: labelsOf(of) }, options)) {
        // A manager that takes no notice of filters must not have those of others removed.
        if (Spec.Labels?.[label.requestId] !== of.requestId) continue;
        const answer = await this.#engine.ask('DELETE', `/${kind}/${ID}`, options);
        if (answer.status !== 404) fine(answer, `remove the ${kind}`);
      }
    }
  }

  async #files(kind: SwarmFile['kind'], by: Readonly<Record<string, readonly string[]>>, options: CallOptions) {
    const answer = await this.#engine.ask('GET', `/${kind}?${filters(by)}`, options);
    return parseAnswer(fine(answer, `list its ${kind}`), answers.fileList, `its ${kind}`);
  }
}

const filters = (by: Readonly<Record<string, readonly string[]>>): string =>
  new URLSearchParams({ filters: JSON.stringify(by) }).toString();

/** What an engine that is no manager answers to anything about services, in words that say what to do. */
function fine(answer: EngineAnswer, doing: string): EngineAnswer {
  const { status, message } = refusalOf(answer);
  if (status === 503 && /not a swarm manager/i.test(message)) {
    const suggestion =
      'choose a manager with DOCKER_HOST or `docker context use`, or make one with `docker swarm init`';
    throw refused({ status: 400, message: 'it is no manager of a swarm' }, doing, { suggestion });
  }
  return good(answer, doing);
}

function idOf(answer: EngineAnswer): string {
  const made = parseAnswer(answer, answers.madeAnswer, 'what it has made', { maybeApplied: true });
  return 'ID' in made ? made.ID : made.Id;
}
