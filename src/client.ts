import { homedir } from 'node:os';
import { systemClock, type Clock } from './clock.js';
import { SidecarError } from './errors.js';
import type { Emit } from './events.js';
import type { Forwarding, ForwardRequest } from './forward/forward.js';
import type { SendRules } from './git/send-rules.js';
import type { WorkingTree } from './git/working-tree.js';
import type { LocalDeps, LocalRequest } from './provider/local.js';
import { checkPrivateDirectory } from './files/private-files.js';
import { localServerEntry } from './provider/local/entry.js';
import type { Provider } from './provider/provider.js';
import type { SshHostDeps, SshHostRequest } from './provider/ssh-host.js';
import { connectPolicy } from './retry/policy.js';
import type { Execution, ExecutionRequest } from './run/execution.js';
import type { AfterLanding } from './run/after-landing.js';
import type { DetachedRuns } from './run/detached.js';
import type { PassOn } from './run/latest-run.js';
import type { Open, Way } from './session/way.js';
import type { LostSession, OpenSession } from './session/open.js';
import type { AllowedFiles } from './sidecars/allowed.js';
import { CurrentSidecar } from './sidecars/current.js';
import { stateHome, type StateHome } from './sidecars/home.js';
import type { SidecarRecord } from './sidecars/record.js';
import { registryStore } from './sidecars/registry-file.js';
import { Registry } from './sidecars/registry.js';
import type { SettingsFile } from './sidecars/settings-files.js';
import { readSettings, type SettingFlags, type Settings } from './sidecars/settings.js';
import type { SyncRequest } from './sync/request.js';
import type { SyncResult } from './sync/result.js';
import type { AskPassphrase } from './transport/passphrase.js';
import type { Transport } from './transport/transport.js';
import type { Warmth } from './warmth.js';
import type { PathExplained } from './workspace/explain.js';
import type { Workspace } from './workspace/workspace.js';

/** The world that a client works in. What is left out is the real one. */
export interface ClientOptions {
  /** The environment: settings, the ssh-agent's socket, what git and ssh are started with. */
  readonly env: NodeJS.ProcessEnv;
  readonly homeDir?: string;
  readonly platform?: NodeJS.Platform;
  readonly clock?: Clock;
  /** What stays from one landing to the next. Default: nothing, every session is closed. */
  readonly warmth?: Warmth;
}

export interface ConnectOptions {
  /** Ends the wait at once. */
  readonly signal?: AbortSignal;
  readonly emit?: Emit;
  /** How long to keep trying, in milliseconds. Default: 90,000. */
  readonly deadlineMs?: number;
  /** Absent: there is nobody to ask, and encrypted keys are passed over. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** The session to open again, after its connection was lost. */
  readonly lost?: LostSession | undefined;
}

export type LandOptions = Omit<ConnectOptions, 'lost'> &
  Pick<SyncRequest, 'directory' | 'workdir' | 'drift' | 'adopt' | 'dryRun' | 'rules'>;

export type SyncOptions = LandOptions & {
  /** Give the workspace's own repository the history of here, after the landing. See `landHistory`. Not in a dry run. */
  readonly history?: boolean;
};

export type WatchOptions = Omit<LandOptions, 'dryRun'> & {
  /** Called after each landing, before anything else happens. */
  readonly onLanded?: (result: SyncResult) => void;
  /** What to run in the workspace after each landing that changed it, word for word, and who takes what it prints. */
  readonly run?: {
    readonly command: readonly string[];
    readonly variables?: Readonly<Record<string, string>>;
    readonly passOn: PassOn;
  };
  /** What to run to its end before that; where it does not exit with 0, nothing else is run on that landing. */
  readonly afterLanding?: AfterLanding;
};

export type ExecutionOptions = Omit<ConnectOptions, 'lost'> &
  Pick<LandOptions, 'directory' | 'workdir'> &
  Omit<ExecutionRequest, 'workspace'> & {
    /** Where to run it. Default, and where this is lost before anything can have begun: a session of its own. */
    readonly over?: Pick<Transport, 'exec' | 'close'>;
  };

export type RunOptions = Omit<LandOptions, 'dryRun'> &
  Omit<ExecutionRequest, 'workspace'> & {
    /** Called after the landing, before the command starts. */
    readonly onLanded?: (result: SyncResult) => void;
  };

export type RunsOptions = Omit<ConnectOptions, 'lost'> &
  Pick<LandOptions, 'directory' | 'workdir'> &
  Pick<ExecutionOptions, 'over'>;

export type ForwardOptions = Omit<ConnectOptions, 'lost'> & Pick<ForwardRequest, 'local' | 'remote'>;

/**
 * The sidecars of this user, and all that can be done with them: what the command line does, for a program.
 *
 * Every method may throw a `SidecarError`; its `code` says which. Modules are loaded by the methods that need them: a
 * command that only lists should not pay for SSH.
 */
export class Sidecars {
  readonly home: StateHome;
  readonly registry: Registry;
  readonly current: CurrentSidecar;
  readonly #env: NodeJS.ProcessEnv;
  readonly #clock: Clock;
  readonly #machines: LocalDeps & SshHostDeps;
  readonly #warmth: Warmth | undefined;

  constructor({ env, homeDir = homedir(), platform = process.platform, clock = systemClock, warmth }: ClientOptions) {
    this.home = stateHome({ env, platform, homeDir });
    const store = registryStore(this.home.stateDir);
    this.registry = new Registry(store);
    this.current = new CurrentSidecar(store);
    this.#env = env;
    this.#clock = clock;
    this.#warmth = warmth;
    this.#machines = { stateDir: this.home.stateDir, env, homeDir, serverEntry: localServerEntry() };
  }

  /** Makes a local sidecar and registers it. Does not wait for its boot. */
  async create(request: LocalRequest): Promise<SidecarRecord> {
    const [{ createLocal }] = await Promise.all([
      import('./provider/local.js'),
      checkPrivateDirectory(this.home.stateDir),
    ]);
    return createLocal(request, { ...this.#machines, registry: this.registry });
  }

  /** Registers a machine that `ssh` can reach. Connects to nothing. */
  async add(request: SshHostRequest): Promise<SidecarRecord> {
    const { sshHostRecord } = await import('./provider/ssh-host.js');
    const record = sshHostRecord(request);
    await this.registry.add(record);
    return record;
  }

  /** Takes a sidecar off the list, and touches nothing else. */
  forget(name: string): Promise<void> {
    return this.registry.remove(name);
  }

  /** Ends the machine, if it is ours, and takes it off the list: in this order, so that it can be done again. */
  async delete(name: string): Promise<void> {
    const record = await this.registry.get(name);
    await (await this.#provider(record)).delete(record);
    await this.registry.remove(name, record);
  }

  /** The settings in force in `directory`. */
  settings(directory: string, flags: SettingFlags = {}): Promise<Settings> {
    const { configDir } = this.home;
    const isAllowed = async (file: SettingsFile): Promise<boolean> => (await this.allowed()).has(file);
    return readSettings({ flags, env: this.#env, directory, configDir, isAllowed });
  }

  /** The project files whose commands, forwards and variables the user has allowed. */
  async allowed(): Promise<AllowedFiles> {
    const { AllowedFiles } = await import('./sidecars/allowed.js');
    return new AllowedFiles(this.home.stateDir);
  }

  /**
   * The sidecar that is meant: the one that is named, else what settings and `use` say for the working tree at `root`,
   * which is asked for only then. Throws `sidecar.none_selected` and `sidecar.unknown`.
   */
  async choose(
    settings: Settings,
    { name, root }: { readonly name: string | undefined; readonly root: () => Promise<string> },
  ): Promise<SidecarRecord> {
    // A name needs no working tree, and so no git.
    return this.registry.get(name ?? (await this.current.choose(await root(), settings.sidecar)));
  }

  /** The working tree that `directory` is in, or is. Its root is what a current sidecar belongs to. */
  async workingTree(directory: string | WorkingTree, signal?: AbortSignal): Promise<WorkingTree> {
    const { workingTreeOf } = await import('./git/working-tree.js');
    return workingTreeOf(directory, { env: this.#env, ...(signal === undefined ? {} : { signal }) });
  }

  /** What the settings say of what is sent from a working tree: `ignore` and `include`. Throws `settings.invalid`. */
  async sendRules(tree: WorkingTree): Promise<SendRules> {
    const [{ readSendPatterns }, { sendRulesOf }] = await Promise.all([
      import('./sidecars/send-patterns.js'),
      import('./git/send-rules.js'),
    ]);
    return sendRulesOf(tree.root, await readSendPatterns(tree.root, this.home.configDir));
  }

  /** Opens a session, waiting for a machine that boots. The caller closes its transport. */
  async open(record: SidecarRecord, options: ConnectOptions = {}): Promise<OpenSession> {
    const { signal = new AbortController().signal, lost } = options;
    return (await this.#open(record, options))(signal, lost);
  }

  /** Lands the working tree around `directory` on a sidecar, exactly, and has it proved. */
  async sync(record: SidecarRecord, options: SyncOptions): Promise<SyncResult> {
    const { sync } = await import('./sync/sync.js');
    if (options.history !== true || options.dryRun === true) return sync(await this.#warmLanding(record, options));
    const [{ Session }, { landHistory }] = await Promise.all([
      import('./session/session.js'),
      import('./workspace/history.js'),
    ]);
    // Both over one connection.
    const session = new Session({ clock: this.#clock });
    const request =
      this.#warmth === undefined
        ? this.#landing(record, options, session.borrower(this.#way(record, options)))
        : await this.#warmLanding(record, options);
    try {
      const landed = await sync(request);
      return { ...landed, history: await landHistory(request) };
    } finally {
      await session.close();
    }
  }

  /** The workspace that a sync with these options would land in: what stands there, and what earlier landings saved. */
  async workspace(record: SidecarRecord, options: LandOptions): Promise<Workspace> {
    const { Workspace } = await import('./workspace/workspace.js');
    return new Workspace(await this.#warmLanding(record, options));
  }

  /** Why a path of the working tree, absolute, is or is not sent. Connects to nothing. */
  async explain(directory: string | WorkingTree, target: string, signal?: AbortSignal): Promise<PathExplained> {
    const { explainPath } = await import('./workspace/explain.js');
    const tree = await this.workingTree(directory, signal);
    const { stateDir } = this.home;
    const rules = await this.sendRules(tree);
    return explainPath(tree, target, { env: this.#env, stateDir, rules, ...(signal === undefined ? {} : { signal }) });
  }

  /** Gets ready for a sync, where something is kept from one to the next. Throws what a sync throws. */
  async prepare(record: SidecarRecord, options: LandOptions): Promise<void> {
    if (this.#warmth === undefined) return;
    const { getReady } = await import('./sync/ready.js');
    await getReady(await this.#warmLanding(record, options));
  }

  /**
   * Lands the working tree around `directory`, and then each change of it as it happens, over one session, until the
   * signal is aborted. A landing that failed in a way that may pass is emitted, and tried again.
   *
   * Throws the signal's reason, and the error of a landing that waiting does not cure.
   */
  async watch(record: SidecarRecord, options: WatchOptions): Promise<never> {
    const [{ watch }, { sync }, { Unlanded }, { Warmth }, { LatestRun }, { runAfterLanding }] = await Promise.all([
      import('./watch/watch.js'),
      import('./sync/sync.js'),
      import('./sync/unlanded.js'),
      import('./warmth.js'),
      import('./run/latest-run.js'),
      import('./run/after-landing.js'),
    ]);
    const { directory, adopt = false, onLanded, run, afterLanding } = options;
    const tree = await this.workingTree(directory, options.signal);
    let landNow = (): void => undefined;
    // A machine that was away may have come back as another one.
    const warmth = new Warmth({ clock: this.#clock, onLost: () => landNow() });
    const session = warmth.session(record, this.#env);
    const request = {
      ...this.#landing(
        record,
        { ...options, directory: tree.root },
        warmth.opener(session, this.#way(record, options)),
      ),
      memory: warmth.memory(tree.root),
    };
    const { clock, env, rules, signal, emit, stateDir } = request;
    const latest = run === undefined ? undefined : new LatestRun({ ...run, clock, signal, emit });
    const unlanded = new Unlanded();
    let hasLanded = false;
    let owesRun = latest !== undefined;
    let owesAfter = false;
    try {
      return await watch({
        ...{ tree, stateDir, env, rules, clock, signal, emit },
        onReady: (land) => (landNow = land),
        look: (within) => unlanded.look({ ...request, signal: within }),
        land: async (within) => {
          const result = await sync({ ...request, signal: within, adopt: adopt && !hasLanded });
          hasLanded = true;
          unlanded.landed(result);
          onLanded?.(result);
          const { connection: transport } = session;
          const { workspace } = result;
          if (latest !== undefined && !result.upToDate) owesRun = true;
          owesAfter ||= afterLanding !== undefined && !result.upToDate;
          if (transport === undefined) return;
          if (afterLanding !== undefined && owesAfter) {
            // What runs on the landing before does not go on beside it.
            await latest?.stop();
            owesAfter = false;
            const isReady = await runAfterLanding({ transport, workspace }, afterLanding, {
              clock,
              emit,
              signal: within,
            });
            owesRun = isReady && latest !== undefined;
          }
          if (latest !== undefined && owesRun) owesRun = !(await latest.start({ transport, workspace }));
        },
      });
    } finally {
      await latest?.close();
      await warmth.close();
    }
  }

  /**
   * Starts a command in the workspace of the working tree around `directory`, once a session is open. Nothing of it is
   * ever started twice: a connection is opened again only as long as it cannot have begun. The session ends with it.
   *
   * Throws what `open` and `startExecution` throw.
   */
  async exec(record: SidecarRecord, options: ExecutionOptions): Promise<Execution> {
    const { startExecution } = await import('./run/execution.js');
    const { signal = new AbortController().signal } = options;
    const ownSession = await this.#open(record, options);
    const open = async (lost: LostSession | undefined) =>
      lost === undefined && options.over !== undefined
        ? { transport: options.over, attempts: 1, elapsedMs: 0 }
        : ownSession(signal, lost);
    const request = { ...options, workspace: await this.#workspaceOf(record, options) };
    for (let lost: LostSession | undefined; ;) {
      const { transport, attempts, elapsedMs } = await open(lost);
      try {
        const execution = await startExecution(transport, request, { clock: this.#clock, signal });
        const close = (): void => void transport.close();
        execution.ended.then(close, close);
        return execution;
      } catch (error) {
        await transport.close();
        signal.throwIfAborted();
        if (!(error instanceof SidecarError) || error.retryable !== true) throw error;
        lost = { error, attempts, elapsedMs };
      }
    }
  }

  /**
   * Lands the working tree around `directory`, and starts a command in the workspace over the same connection: only on a
   * landing that is proved. Where the connection is lost before the command can have begun, both are done again.
   *
   * Throws what `sync` and `startExecution` throw.
   */
  async run(record: SidecarRecord, options: RunOptions): Promise<Execution> {
    const [{ startAfterLanding }, { Session }, { sync }] = await Promise.all([
      import('./run/after-landing.js'),
      import('./session/session.js'),
      import('./sync/sync.js'),
    ]);
    const { signal = new AbortController().signal, onLanded } = options;
    const directory = await this.workingTree(options.directory, signal);
    const session = new Session({ clock: this.#clock });
    const borrow = session.borrower(this.#way(record, options));
    try {
      for (let lost: LostSession | undefined; ;) {
        const before = lost;
        // Of the connection that the landing was proved on, and of no other.
        const used: { connection?: Transport } = {};
        const open: Open = async (within, again) => {
          const lent = await borrow(within, again ?? before);
          used.connection = lent.connection;
          return lent;
        };
        const landed = await sync(this.#landing(record, { ...options, directory, signal }, open));
        const { verified, workspace } = landed;
        const { connection } = used;
        if (!verified || connection === undefined) throw new SidecarError('sync.not_proved', { workspace });
        onLanded?.(landed);
        try {
          const request = { ...options, workspace };
          const execution = await startAfterLanding(connection, request, { clock: this.#clock, signal });
          const close = (): void => void session.close();
          execution.ended.then(close, close);
          return execution;
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof SidecarError) || error.retryable !== true) throw error;
          lost = { error, attempts: landed.attempts, elapsedMs: landed.ms.connect };
        }
      }
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /**
   * The runs in the workspace of the working tree around `directory` that live on without a connection. Each method opens
   * a session, and opens it again where it is lost.
   */
  async runs(record: SidecarRecord, options: RunsOptions): Promise<DetachedRuns> {
    const [{ DetachedRuns }, workspace, open] = await Promise.all([
      import('./run/detached.js'),
      this.#workspaceOf(record, options),
      this.#open(record, options),
    ]);
    const { over, signal = new AbortController().signal } = options;
    return new DetachedRuns({
      ...{ sidecar: record.name, workspace, clock: this.#clock, signal },
      open: async (within, lost) =>
        lost === undefined && over !== undefined ? { transport: over, attempts: 1, elapsedMs: 0 } : open(within, lost),
    });
  }

  /**
   * Forwards ports until the signal is aborted, over one session that is opened again whenever it is lost. Resolves once
   * all of them are listened on.
   *
   * Throws `usage.invalid` and what `startForwarding` throws.
   */
  async forward(record: SidecarRecord, options: ForwardOptions): Promise<Forwarding> {
    const [{ startForwarding }, { leadsToItself, addressText }] = await Promise.all([
      import('./forward/forward.js'),
      import('./transport/forward-spec.js'),
    ]);
    const { local, remote, emit = ignore, signal = new AbortController().signal } = options;
    const circle = record.provider.kind === 'local' ? [...local, ...remote].find(leadsToItself) : undefined;
    if (circle !== undefined) {
      const reason = `${record.name} is on this machine, and ${addressText(circle.target)} is the same on both sides`;
      const suggestion = `choose another port to listen on, as in \`0:${circle.target.port}\``;
      throw new SidecarError('usage.invalid', { reason, suggestion });
    }
    return startForwarding({
      ...{ local, remote, emit, signal, clock: this.#clock },
      open: await this.#open(record, options),
    });
  }

  /** As `workspacePath` gives it. */
  async #workspaceOf(record: SidecarRecord, options: RunsOptions): Promise<string> {
    const { workspacePath } = await import('./sync/workspace.js');
    const { directory, workdir = record.workdir, signal } = options;
    // Where it is absolute, no working tree is needed, and no git.
    const root = workdir?.startsWith('/') === true ? '/' : (await this.workingTree(directory, signal)).root;
    return workspacePath(root, workdir);
  }

  /** By a session that stays, where any does. */
  async #open(record: SidecarRecord, options: ConnectOptions): Promise<Open> {
    if (this.#warmth === undefined) return this.#opener(record, options);
    const reopen = (): Promise<Open> => this.#opener(record, {});
    const session = this.#warmth.session(record, this.#env);
    return this.#warmth.opener(session, { ...this.#way(record, options), reopen });
  }

  #way(record: SidecarRecord, options: ConnectOptions): Way {
    const { emit = ignore, deadlineMs = connectPolicy.deadlineMs } = options;
    return { open: (told) => this.#opener(record, { ...options, emit: told }), emit, deadlineMs };
  }

  /** The way to a sidecar, again and again. */
  async #opener(record: SidecarRecord, options: ConnectOptions): Promise<Open> {
    const [{ openSession }, { sshConnect }] = await Promise.all([
      import('./session/open.js'),
      import('./session/connect.js'),
    ]);
    const { emit = ignore, deadlineMs, askPassphrase } = options;
    let known = record;
    const pin = async (key: string): Promise<void> => {
      known = await this.registry.pin(record.name, key, record);
    };
    const connect = sshConnect({ askPassphrase, pin, emit });
    const provider = await this.#provider(record);
    const limit = deadlineMs === undefined ? {} : { deadlineMs };
    return (signal, lost) =>
      openSession({ record: known, provider, connect, clock: this.#clock, emit, signal, lost, ...limit });
  }

  /** With what is kept of the working tree, where anything is. */
  async #warmLanding(record: SidecarRecord, options: LandOptions): Promise<SyncRequest> {
    const request = this.#landing(record, options, await this.#open(record, options));
    if (this.#warmth === undefined) return request;
    const tree = await this.workingTree(options.directory, options.signal);
    return { ...request, directory: tree, memory: this.#warmth.memory(tree.root) };
  }

  #landing(record: SidecarRecord, options: LandOptions, open: Open): SyncRequest {
    const { emit = ignore, signal = new AbortController().signal } = options;
    const { directory, drift, adopt, dryRun, rules, workdir = record.workdir } = options;
    return {
      ...{ directory, sidecar: record.name, open, emit, signal },
      ...{ stateDir: this.home.stateDir, env: this.#env, clock: this.#clock },
      ...(workdir === undefined ? {} : { workdir }),
      ...(drift === undefined ? {} : { drift }),
      ...(adopt === undefined ? {} : { adopt }),
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(rules === undefined ? {} : { rules }),
    };
  }

  async #provider(record: SidecarRecord): Promise<Provider> {
    const { providers } = await import('./provider/providers.js');
    return providers(this.#machines)(record);
  }
}

const ignore: Emit = () => undefined;
