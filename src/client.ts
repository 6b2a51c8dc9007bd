import { homedir } from 'node:os';
import type {
  ClientOptions,
  ConnectOptions,
  CreateOptions,
  ExecutionOptions,
  ForwardOptions,
  LandOptions,
  RunOptions,
  RunsOptions,
  SyncOptions,
  WatchOptions,
} from './client-options.js';
import { ClientSessions } from './client-sessions.js';
import { systemClock, type Clock } from './clock.js';
import { SidecarError } from './errors.js';
import type { Emit } from './events.js';
import type { Forwarding } from './forward/forward.js';
import type { SendRules } from './git/send-rules.js';
import type { WorkingTree } from './git/working-tree.js';
import { checkPrivateDirectory } from './files/private-files.js';
import { localServerEntry } from './provider/local/entry.js';
import type { Provider } from './provider/provider.js';
import type { KnownProvider, ProviderDeps } from './provider/providers.js';
import type { SshHostRequest } from './provider/ssh-host.js';
import type { Execution } from './run/execution.js';
import type { DetachedRuns } from './run/detached.js';
import type { Open } from './session/way.js';
import type { LostSession, OpenSession } from './session/open.js';
import type { AllowedFiles } from './sidecars/allowed.js';
import { CurrentSidecar } from './sidecars/current.js';
import { stateHome, type StateHome } from './sidecars/home.js';
import { providerName, type SidecarRecord } from './sidecars/record.js';
import { registryStore } from './sidecars/registry-file.js';
import { Registry } from './sidecars/registry.js';
import type { SettingsFile } from './sidecars/settings-files.js';
import { readSettings, type SettingFlags, type Settings } from './sidecars/settings.js';
import type { SyncRequest } from './sync/request.js';
import type { SyncResult } from './sync/result.js';
import type { Warmth } from './warmth.js';
import type { PathExplained } from './workspace/explain.js';
import type { Workspace } from './workspace/workspace.js';

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
  readonly #machines: ProviderDeps;
  readonly #warmth: Warmth | undefined;
  readonly #sessions: ClientSessions;

  constructor(options: ClientOptions) {
    const { env, homeDir = homedir(), platform = process.platform, clock = systemClock, warmth, finishing } = options;
    this.home = stateHome({ env, platform, homeDir });
    const store = registryStore(this.home.stateDir);
    this.registry = new Registry(store);
    this.current = new CurrentSidecar(store);
    this.#env = env;
    this.#clock = clock;
    this.#warmth = warmth;
    const serverEntry = localServerEntry();
    this.#machines = { ...this.home, env, homeDir, serverEntry, clock, finishing };
    this.#sessions = new ClientSessions({ registry: this.registry, machines: this.#machines, env, clock, warmth });
  }

  /** Has a provider make a machine, and registers it: see `createMachine`. Does not wait for its boot. */
  async create(request: CreateOptions): Promise<SidecarRecord> {
    const [{ createNamed }] = await Promise.all([
      import('./provider/create-named.js'),
      checkPrivateDirectory(this.home.stateDir),
    ]);
    const { directory, signal } = request;
    const root = async (within: string): Promise<string> => (await this.workingTree(within, signal)).root;
    const project = directory === undefined ? undefined : { directory, root: () => root(directory) };
    return createNamed({ emit: ignore, ...request, project }, { ...this.#machines, registry: this.registry });
  }

  /** The provider of that name, to be used without the list of sidecars. Throws `usage.invalid` where there is none. */
  async provider(name: string): Promise<Provider> {
    const { providerNamed } = await import('./provider/providers.js');
    return providerNamed(name, this.#machines);
  }

  /** What `create` takes as a provider: those that come with sidecar, then the programs of the user. Runs none. */
  async providers(): Promise<readonly KnownProvider[]> {
    const { knownProviders } = await import('./provider/providers.js');
    return knownProviders(this.#machines);
  }

  /** Registers a machine that `ssh` can reach. Connects to nothing. */
  async add(request: SshHostRequest): Promise<SidecarRecord> {
    const { sshHostRecord } = await import('./provider/ssh-host.js');
    const record = sshHostRecord(request);
    await this.registry.add(record);
    return record;
  }

  /** Takes a sidecar off the list, and touches nothing else. Throws `usage.invalid` while its machine is being made. */
  async forget(name: string): Promise<void> {
    const { forgettable } = await import('./provider/forgettable.js');
    const record = forgettable(await this.registry.get(name));
    await this.registry.remove(name, record);
  }

  /** Ends the machine, if it is ours, and takes it off the list: in this order, so that it can be done again. */
  async delete(name: string, { emit = ignore }: { readonly emit?: Emit } = {}): Promise<void> {
    const [locator, { isMadeSince }] = await Promise.all([this.#sessions.locator(), import('./provider/age.js')]);
    let record: SidecarRecord | undefined = await this.registry.get(name);
    for (let ended = record; record !== undefined; record = await this.registry.current(ended)) {
      ended = await locator.delete(record, { emit });
      await this.registry.remove(name, ended, (now) => isMadeSince(ended, now));
    }
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

  /** Whether the user's ssh_config wants the ssh-agent forwarded to it (ForwardAgent). */
  async forwardsAgent(record: SidecarRecord, signal?: AbortSignal): Promise<boolean> {
    if (record.provider.kind !== 'ssh') return false;
    const { forwardAgent } = await (await this.#sessions.locator()).target(record, { signal });
    return forwardAgent !== undefined;
  }

  /** Opens a session, waiting for a machine that boots. The caller closes its transport. */
  async open(record: SidecarRecord, options: ConnectOptions = {}): Promise<OpenSession> {
    const { signal = new AbortController().signal, lost } = options;
    return (await this.#sessions.open(record, options))(signal, lost);
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
        ? this.#landing(record, options, session.borrower(this.#sessions.way(record, options)))
        : await this.#warmLanding(record, options);
    try {
      const landed = await sync(request);
      try {
        return { ...landed, history: await landHistory(request) };
      } catch (error) {
        request.signal.throwIfAborted();
        if (!(error instanceof SidecarError)) throw error;
        const { code, facts } = error;
        return { ...landed, historyError: { code, facts } };
      }
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
    const [{ watchAndRun }, { Warmth }] = await Promise.all([import('./watching.js'), import('./warmth.js')]);
    const tree = await this.workingTree(options.directory, options.signal);
    let lost = (): void => undefined;
    const warmth = new Warmth({ clock: this.#clock, onLost: () => lost() });
    const session = warmth.session(record, this.#env);
    const landing = { ...options, directory: tree.root };
    const request = this.#landing(record, landing, warmth.opener(session, this.#sessions.way(record, options)));
    try {
      return await watchAndRun({
        ...{ tree, session, onReady: (tell) => (lost = tell) },
        ...options,
        request: { ...request, memory: warmth.memory(tree.root) },
      });
    } finally {
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
    const [{ startExecution }, { overLastingSession }] = await Promise.all([
      import('./run/execution.js'),
      import('./sync/over-session.js'),
    ]);
    const { over, signal = new AbortController().signal } = options;
    const open = orOver(over, await this.#sessions.open(record, options));
    const request = { ...options, workspace: await this.#workspaceOf(record, options) };
    return overLastingSession({ open, signal }, async ({ transport }) => {
      const execution = await startExecution(transport, request, { clock: this.#clock, signal });
      const close = (): void => void transport.close();
      execution.ended.then(close, close);
      return execution;
    });
  }

  /**
   * Lands the working tree around `directory`, and starts a command in the workspace over the same connection: only on a
   * landing that is proved. Where the connection is lost before the command can have begun, both are done again.
   *
   * Throws what `sync` and `startExecution` throw.
   */
  async run(record: SidecarRecord, options: RunOptions): Promise<Execution> {
    const [{ landAndStart }, { Session }] = await Promise.all([
      import('./landed-run.js'),
      import('./session/session.js'),
    ]);
    const { signal = new AbortController().signal } = options;
    const directory = await this.workingTree(options.directory, signal);
    const session = new Session({ clock: this.#clock });
    const open = session.borrower(this.#sessions.way(record, options));
    const request = this.#landing(record, { ...options, directory, signal }, open);
    return landAndStart({ ...options, request, session, open });
  }

  /**
   * The runs in the workspace of the working tree around `directory` that live on without a connection. Each method opens
   * a session, and opens it again where it is lost.
   */
  async runs(record: SidecarRecord, options: RunsOptions): Promise<DetachedRuns> {
    const [{ DetachedRuns }, workspace, open] = await Promise.all([
      import('./run/detached.js'),
      this.#workspaceOf(record, options),
      this.#sessions.open(record, options),
    ]);
    const { over, signal = new AbortController().signal } = options;
    const place = { sidecar: record.name, workspace, clock: this.#clock, signal };
    return new DetachedRuns({ ...place, open: orOver(over, open) });
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
    const circle = providerName(record) === 'local' ? [...local, ...remote].find(leadsToItself) : undefined;
    if (circle !== undefined) {
      const reason = `${record.name} is on this machine, and ${addressText(circle.target)} is the same on both sides`;
      const suggestion = `choose another port to listen on, as in \`0:${circle.target.port}\``;
      throw new SidecarError('usage.invalid', { reason, suggestion });
    }
    return startForwarding({
      ...{ local, remote, emit, signal, clock: this.#clock },
      open: await this.#sessions.open(record, options),
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

  /** With what is kept of the working tree, where anything is. */
  async #warmLanding(record: SidecarRecord, options: LandOptions): Promise<SyncRequest> {
    const request = this.#landing(record, options, await this.#sessions.open(record, options));
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
}

const ignore: Emit = () => undefined;

/** At first on the channels that are given, if any are, and on a session of its own where they are lost. */
function orOver(over: ExecutionOptions['over'], open: Open) {
  return async (signal: AbortSignal, lost?: LostSession) =>
    lost === undefined && over !== undefined ? { transport: over, attempts: 1, elapsedMs: 0 } : open(signal, lost);
}
