import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SyncRequest } from '../../../src/sync/request.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { makeKey } from '../../fakes/ssh-keys.js';
import { startSshd, type Sshd } from '../../fakes/sshd.js';
import { Stage } from './stage.js';
import type { TreeCase } from './tree-case.js';

/** How often something happens to the daemon before a sync. */
const hungEach = 17;
const killedEach = 5;

/** One user with a daemon, and one machine: every case has its own working tree and its own home over there. */
export class DaemonBed implements AsyncDisposable {
  readonly user = new BuiltProgram({ daemon: true });
  readonly #home: string;
  #sshd: Sshd | undefined;
  #syncs = 0;
  /** How many syncs found a session open, and how many had to open one, with the daemon or without. */
  readonly done = { warm: 0, cold: 0 };

  private constructor() {
    this.#home = path.join(this.user.directory('far'), 'home');
  }

  static async start(): Promise<DaemonBed> {
    const bed = new DaemonBed();
    const { user } = bed;
    const key = await makeKey(user.directory('keys'), 'id');
    // Whose home it is, a file says.
    const login = `HOME=$(cat ${bed.#home}) && export HOME && cd "$HOME" && exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"`;
    const config = ['SetEnv HOME=/', `ForceCommand ${login}`];
    const sshd = await startSshd({ authorizedKeys: [key.line], config });
    bed.#sshd = sshd;
    const destination = `127.0.0.1:${sshd.port}`;
    await user.type('add', 'web', destination, '--identity', key.path, '--host-key', sshd.hostKeyLine);
    return bed;
  }

  stage(given: TreeCase): DaemonStage {
    return new DaemonStage(given, this);
  }

  /** `sidecar sync`, of what is there and to there. Throws an error with the code that it tells. */
  async sync(stage: Stage, { adopt, drift, dryRun }: Partial<SyncRequest>): Promise<SyncResult> {
    writeFileSync(this.#home, stage.side.home);
    const hung = await this.#disturb();
    const flags = [
      ...['-C', stage.here.root, '-s', 'web'],
      ...(adopt === true ? ['--adopt'] : []),
      ...(drift === undefined ? [] : ['--drift', drift]),
      ...(dryRun === true ? ['--dry-run'] : []),
    ];
    const { HOME = '' } = stage.side.repo.env;
    const env = { HOME, SIDECAR_WORKDIR: stage.there.root };
    const { code, stdout, stderr } = await this.user.startWith(env, 'sync', '--json', ...flags).ended;
    if (hung !== undefined) process.kill(hung, 'SIGKILL');
    // Nothing is made over there for the next sync any more: the case may end here.
    await this.user.daemonOnceRested();
    if (code !== 0) throw Object.assign(new Error(stderr), (JSON.parse(stderr) as { error: object }).error);
    const result = JSON.parse(stdout) as SyncResult;
    this.done[result.warm ? 'warm' : 'cold'] += 1;
    return result;
  }

  /** Now and then the daemon is gone when the sync comes, or hangs: then returns its process. */
  async #disturb(): Promise<number | undefined> {
    this.#syncs += 1;
    const pid = (await this.user.daemonOnceRested())?.pid;
    if (pid === undefined) return undefined;
    if (this.#syncs % hungEach === 0) {
      process.kill(pid, 'SIGSTOP');
      return pid;
    }
    if (this.#syncs % killedEach === 0) process.kill(pid, 'SIGKILL');
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.user[Symbol.asyncDispose]();
    await this.#sshd?.stop();
  }
}

/** A stage whose syncs are the program's. */
class DaemonStage extends Stage {
  constructor(
    given: TreeCase,
    private readonly bed: DaemonBed,
  ) {
    super(given);
  }

  override sync(options: Partial<SyncRequest> = {}): Promise<SyncResult> {
    return this.bed.sync(this, { adopt: true, ...options });
  }
}
