import { readFile, rm, writeFile } from 'node:fs/promises';
import { SidecarError } from '../../errors.js';
import { hostTrust, policyOf, refusalOf, type HostKeyVerdict, type HostTrust } from '../host-trust.js';
import { parseKnownHosts } from '../known-hosts.js';
import { fingerprint } from '../public-key.js';
import { agentLimits } from '../agent-limits.js';
import { AttemptTimer } from '../attempt-timer.js';
import type { ForwardedAgent } from '../forwarded-agent.js';
import type { SshTarget } from '../target.js';
import type { Transport } from '../transport.js';
import { controlSocket, knownHostsFile, logPipe, masterArguments } from './arguments.js';
import { AskPass } from './ask.js';
import { connectError, connectionLost, readEnd } from './errors.js';
import { ownKnownHosts } from './known-hosts-file.js';
import { openLogPipe } from './log-pipe.js';
import type { SshLog } from './log.js';
import { loginError } from './login-error.js';
import { MasterProcess } from './master-process.js';
import { MuxClient } from './mux.js';
import type { Passphrases } from './passphrases.js';
import { privateDirectory } from './private-directory.js';
import { OpensshTransport } from './transport.js';

export type AcceptedHostKey = Exclude<HostKeyVerdict, { kind: 'refused' }>;

export interface ConnectOptions {
  /** With an `openssh`. */
  readonly target: SshTarget;
  /** Absent: there is nobody to ask. Keep it across attempts. */
  readonly passphrases?: Passphrases | undefined;
  /** Shows what ssh wants of the user, such as a touch of a security key. */
  readonly show?: (words: string) => void;
  /** Called with the server's key once it is accepted, also where the login fails after that. */
  readonly onHostKey?: (hostKey: AcceptedHostKey) => void;
  /** Which agent commands over there may use. Absent: none. */
  readonly forwardAgent?: ForwardedAgent | undefined;
  /** The limit of the whole attempt, in milliseconds. Time that the user needs for a passphrase does not count. */
  readonly timeoutMs: number;
  /** What is left for this attempt and all others, in milliseconds: an agent is not waited for beyond it. Absent: nobody counts. */
  readonly remainingMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** How often a silent server is asked for a sign of life, in milliseconds, and at least a second. Three unanswered ones are a loss. */
  readonly keepaliveMs?: number;
}

export interface Connected {
  readonly transport: Transport;
  readonly hostKey: AcceptedHostKey;
}

/**
 * One attempt to open an authenticated connection with the user's own ssh, and so with all that it can do: certificates,
 * security keys, PKCS#11, GSSAPI, ProxyJump.
 *
 * One `ssh -M -N` holds the connection. We speak with it as `ssh -O proxy` does, so that a channel costs no process and
 * its exit status, its signals and its terminal are those of the protocol.
 *
 * Throws `ssh.unreachable` (retryable where waiting may help), `ssh.protocol`, `ssh.config_invalid`, the refusal of the
 * host key, `ssh.auth_refused`, `ssh.passphrase_needed` or `ssh.key_unusable`, or the signal's reason.
 */
export async function connectOpenssh(options: ConnectOptions): Promise<Connected> {
  const { target, timeoutMs, remainingMs = Infinity, signal } = options;
  signal?.throwIfAborted();
  const trust = await hostTrust(target);
  const directory = await privateDirectory();
  const timer = new AttemptTimer(timeoutMs);
  // ssh does not say when it has the signature: from then on it is the server that is waited for.
  const signing = new AttemptTimer(Math.max(0, Math.min(agentLimits.signMs, remainingMs - timeoutMs)));
  signing.pause();
  try {
    return await new Attempt(options, { trust, directory, timer, signing }).connected();
  } catch (error) {
    // Where it did not come so far that the process sees to it.
    await rm(directory, { recursive: true, force: true });
    throw error;
  } finally {
    timer.pause();
    signing.pause();
  }
}

interface Means {
  readonly trust: HostTrust;
  readonly directory: string;
  readonly timer: AttemptTimer;
  /** How long the timer may stand still for signatures of an agent. */
  readonly signing: AttemptTimer;
}

/** What ssh wants to know, and whether there is somebody to ask. */
interface Questions {
  readonly asking: AskPass;
  readonly canAsk: boolean;
}

class Attempt {
  readonly #options: ConnectOptions;
  readonly #means: Means;
  /** Who is waited for: the clock stands still meanwhile. */
  readonly #waitingFor = new Set<'a person' | 'a signature'>();
  #onLog: () => void = () => undefined;
  #isOver = false;

  constructor(options: ConnectOptions, means: Means) {
    this.#options = options;
    this.#means = means;
  }

  async connected(): Promise<Connected> {
    const { target, passphrases, show = () => undefined, forwardAgent: agent, keepaliveMs = 15_000 } = this.#options;
    const { trust, directory } = this.#means;
    const { text, isStrict } = ownKnownHosts(trust);
    await writeFile(knownHostsFile(directory), text, { mode: 0o600 });
    const onBusy = (isBusy: boolean): void => this.#wait('a person', isBusy);
    const asking = await AskPass.listen(directory, { passphrases, show, onBusy });
    try {
      const env = { ...target.openssh?.env, ...asking.environment, LC_ALL: 'C' };
      const canAsk = passphrases !== undefined && asking.environment !== undefined;
      const args = masterArguments({
        ...{ target, directory, isStrict, canAsk, keepaliveMs },
        forwardAgent: agent?.socket,
      });
      const pipe = await openLogPipe(logPipe(directory), env);
      const master = new MasterProcess({ args, directory, env, pipe }, () => this.#onLog());
      return await this.#connectedBy(master, { asking, canAsk });
    } finally {
      this.#isOver = true;
      asking.close();
    }
  }

  async #connectedBy(master: MasterProcess, { asking, canAsk }: Questions): Promise<Connected> {
    try {
      return await this.#inTime(master, async () => {
        await this.#loggedIn(master);
        const hostKey = await this.#acceptedHostKey(master.log);
        if (hostKey === undefined) throw untold(this.#options.target);
        this.#options.onHostKey?.(hostKey);
        return { transport: await this.#transport(master), hostKey };
      });
    } catch (thrown) {
      const error =
        thrown instanceof Ended ? await this.#failure(master.log, { status: thrown.status, asking, canAsk }) : thrown;
      master.stop();
      await master.gone;
      throw error;
    }
  }

  /** Throws what the work does, `Ended`, what the time limit comes to, or the signal's reason. */
  async #inTime<T>(master: MasterProcess, work: () => Promise<T>): Promise<T> {
    const { target, signal } = this.#options;
    const { timer } = this.#means;
    const over = new AbortController();
    try {
      return await new Promise<T>((resolve, reject) => {
        const onAbort = (): void => reject(signal?.reason as Error);
        signal?.addEventListener('abort', onAbort, over);
        timer.expired.addEventListener('abort', () => reject(late(target, master.log, timer)), over);
        if (signal?.aborted === true) onAbort();
        void master.ended.then((status) => reject(new Ended(status)));
        work().then(resolve, reject);
      });
    } finally {
      over.abort();
      this.#onLog = () => undefined;
    }
  }

  #loggedIn(master: MasterProcess): Promise<void> {
    const { signing } = this.#means;
    return new Promise<void>((resolve) => {
      signing.expired.addEventListener('abort', () => this.#wait('a signature', false));
      this.#onLog = () => {
        const { isSigning } = master.log;
        if (isSigning) signing.resume();
        else signing.pause();
        this.#wait('a signature', isSigning && !signing.expired.aborted);
        if (master.log.isReady) resolve();
      };
    });
  }

  async #transport(master: MasterProcess): Promise<OpensshTransport> {
    const { target, forwardAgent } = this.#options;
    const { host, port } = target;
    const endpoint = { host, port };
    const path = controlSocket(master.directory);
    try {
      const [mux, forChannels] = await Promise.all([MuxClient.connect(path), MuxClient.connect(path)]);
      const socket = await forChannels.proxy();
      const lost = master.ended.then((status) => connectionLost(readEnd(master.log, status), endpoint));
      const holder = { directory: master.directory, lost, stop: () => master.stop() };
      return new OpensshTransport({ master: holder, socket, mux, endpoint, forwardAgent });
    } catch (error) {
      if (error instanceof SidecarError) throw error;
      // It ends right after the login where the server wants it so, and takes its socket with it.
      master.stop();
      throw new Ended(await master.ended);
    }
  }

  /**
   * What ssh accepts stands in its known_hosts; which of these it was, it says. A server can have it say this, too: where
   * nobody can vouch for it, its key is one to be learned, whatever was said.
   */
  async #acceptedHostKey({ hostKey: shown, isVouchedFor }: SshLog): Promise<AcceptedHostKey | undefined> {
    const { trust, directory } = this.#means;
    if (shown === undefined) return undefined;
    if (isVouchedFor && trust.pins.length === 0 && trust.authorities.length > 0)
      return { kind: 'vouched', fingerprint: shown.fingerprint };
    const file = knownHostsFile(directory);
    const known = parseKnownHosts(await readFile(file, 'latin1'), file);
    const entry = known.find(({ marker, key }) => marker === undefined && fingerprint(key.blob) === shown.fingerprint);
    if (entry === undefined) return undefined;
    const verdict = policyOf(trust, this.#options.target).verdict(entry.key.blob);
    if (verdict.kind === 'refused') throw verdict.error;
    return verdict;
  }

  async #failure(
    log: SshLog,
    { status, asking, canAsk }: Questions & { readonly status: number | null },
  ): Promise<SidecarError> {
    const { target, onHostKey } = this.#options;
    const { trust } = this.#means;
    const { host, port } = target;
    const { hostKey: shown, stage } = log;
    if (stage === 'auth' && onHostKey !== undefined) {
      const hostKey = await this.#acceptedHostKey(log).catch(() => undefined);
      if (hostKey !== undefined) onHostKey(hostKey);
    }
    const reading = readEnd(log, status);
    if (reading.kind === 'login') return loginError(target, { log, asking, canAsk });
    if (reading.kind === 'host key' && shown !== undefined) return refusalOf(shown, trust, target);
    return connectError(reading, { host, port, stage });
  }

  #wait(whom: 'a person' | 'a signature', isWaiting: boolean): void {
    const { timer } = this.#means;
    const waited = this.#waitingFor.size > 0;
    if (isWaiting) this.#waitingFor.add(whom);
    else this.#waitingFor.delete(whom);
    const waits = this.#waitingFor.size > 0;
    if (this.#isOver || waits === waited) return;
    if (waits) timer.pause();
    else timer.resume();
  }
}

/** ssh has ended before there was a session. */
class Ended extends Error {
  constructor(readonly status: number | null) {
    super('ssh has ended');
  }
}

function late({ host, port }: SshTarget, { stage }: SshLog, { limitMs }: AttemptTimer): SidecarError {
  const reason = `no answer within ${Math.round(limitMs / 100) / 10} s`;
  return new SidecarError('ssh.unreachable', { host, port, stage, reason }, { retryable: true });
}

function untold({ host, port }: SshTarget): SidecarError {
  const reason = 'ssh does not tell which host key it has accepted';
  return new SidecarError('ssh.protocol', { host, port, stage: 'auth', reason }, { retryable: false });
}
