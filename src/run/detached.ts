import { listRuns, type DetachedRunList } from './detached-list.js';
import { startDetached, type DetachedRequest, type DetachedStart } from './detached-start.js';
import { followRun, type Followed, type FollowOptions } from './follow.js';
import { overSession } from '../sync/over-session.js';
import { talkOn, type RunsPlace } from './talk.js';

/** The runs in one workspace that live on without a connection. */
export class DetachedRuns {
  readonly #place: RunsPlace;

  constructor(place: RunsPlace) {
    this.#place = place;
  }

  /** Begins one, at most once. */
  start(request: DetachedRequest): Promise<DetachedStart> {
    return startDetached(this.#place, request);
  }

  /** Those that go on, and the last of those that do not, the latest first. */
  async list(): Promise<DetachedRunList> {
    const { sidecar } = this.#place;
    const list = async (session: Parameters<typeof talkOn>[0]): Promise<DetachedRunList> =>
      talkOn(session, this.#place, async (talk) => ({
        ...{ sidecar, workspace: talk.workspace },
        runs: await listRuns(talk),
      }));
    return (await overSession(this.#place, list)).result;
  }

  /** Reads what one of them prints, from the beginning: so far, or until it has ended. */
  follow(options: FollowOptions): Promise<Followed> {
    return followRun(this.#place, options);
  }
}
