import type { Duplex } from 'node:stream';
import type { KeyPair } from '../transport/key-pair.js';

/**
 * Makes machines and finds them again: a container engine, a cluster, a service. One provider speaks for one place, such
 * as one engine.
 *
 * - Waiting is never its work: `create` and `start` return as soon as the machine is on its way, and the core asks
 *   `describe` and then the SSH server until it is there.
 * - Nothing here is repeated by the provider itself, beside what its own transport does for reads.
 * - Errors are SidecarErrors: `provider.*`, `sidecar.exists` where the name belongs to another machine. `retryable` says
 *   that waiting may help, and the fact `maybeApplied` that what was asked for may have been done all the same. Anything
 *   else that is thrown counts as not retryable, and as maybe applied.
 * - Aborting rejects with the signal's reason; what was under way may have been done.
 */
export interface Provider {
  /** As `--provider` names it. */
  readonly name: string;
  /** What has to be kept to speak to the same place later, whatever is configured then. Strings that are no secret. */
  readonly place: Place;

  /**
   * The key by which this user logs in to every machine of this place, kept by the provider. Undefined where each machine has
   * one of its own, which goes with it.
   */
  readonly loginKey?: LoginKey | undefined;

  /** What it can do. Needs no machine, and changes nothing. */
  capabilities(options?: CallOptions): Promise<Capabilities>;

  /**
   * Makes a machine and starts it. Where one of this name and request id is there already, the answer is that one, and
   * nothing is made; one of this name and another request id is `sidecar.exists`.
   *
   * A machine that could not be made whole is removed before the error is thrown, or the error says `maybeApplied`.
   */
  create(spec: MachineSpec, options?: CreateOptions): Promise<Machine>;

  /**
   * How a machine is. Undefined: there is none, which right after a creation may only mean that it is not known yet; one of
   * which it is known that it was deleted may be `provider.gone` instead.
   */
  describe(machine: MachineRef, options?: DescribeOptions): Promise<Machine | undefined>;

  /** Every machine that was made through this program in this place, by whomever. */
  list(options?: CallOptions): AsyncIterable<Machine>;

  /** Ends a machine and removes all that was made for it. One that is gone already is deleted. */
  delete(machine: MachineRef, options?: DeleteOptions): Promise<void>;

  /**
   * Starts a machine that was stopped; one that is being started, or runs, is left alone. One that was deleted is
   * `provider.gone`. Undefined where it cannot.
   */
  readonly start?: ((machine: MachineRef, options?: CallOptions) => Promise<void>) | undefined;

  /** Stops a machine and keeps its files; one that is stopped is left alone. Undefined where it cannot. */
  readonly stop?: ((machine: MachineRef, options?: CallOptions) => Promise<void>) | undefined;

  /** Lets another public key log in, `ssh-ed25519 AAAA…`. Twice is fine. Undefined where it cannot. */
  readonly authorizeKey?:
    ((machine: MachineRef, publicKey: string, options?: CallOptions) => Promise<void>) | undefined;

  /** A new stream to the SSH server of a machine that runs, for an endpoint of kind `connect`. Undefined where it cannot. */
  readonly connect?: ((machine: MachineRef, options?: CallOptions) => Promise<Duplex>) | undefined;
}

export type Place = Readonly<Record<string, string>>;

export interface LoginKey {
  /** Where the private half is, as OpenSSH writes it. */
  readonly file: string;
  /**
   * Has every machine that is made from now on let it in: `ssh-ed25519 AAAA…`. Makes the key where there is none yet. Called
   * before each creation, and makes no machine.
   */
  readonly letIn: (options?: CallOptions) => Promise<string>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface DescribeOptions extends CallOptions {
  /** Whoever asks will ask again, and tells the user why meanwhile: what may pass is not to be waited out here for long. */
  readonly brief?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /**
   * Called where there was nothing to end, by a provider whose reads lag: the machine is gone, or too new to be known. One
   * of which it is known that it was deleted is not unknown.
   */
  readonly onUnknown?: (() => void) | undefined;
}

export interface CreateOptions extends CallOptions {
  /** Takes lines for the user about how it goes. They are no secret, and may be anything: to be escaped. */
  readonly progress?: ((line: string) => void) | undefined;
}

export interface Capabilities {
  /**
   * Whether a creation may be repeated, name and request id unchanged, where nobody knows what became of it: never two
   * machines come of it.
   */
  readonly idempotentCreate: boolean;
  /** Whether `describe` may not know a machine yet that was just made. */
  readonly readsLag: boolean;
  /** Whether the machine has the host key of its spec, or tells its own (`ssh.hostKeys`), or nobody knows it before. */
  readonly hostKey: 'given' | 'told' | 'unknown';
  readonly start: boolean;
  readonly stop: boolean;
  readonly authorizeKey: boolean;
  readonly connect: boolean;
}

/** A machine to be made. */
export interface MachineSpec {
  /** Chosen here, and unique in the place: see `isName`. */
  readonly name: string;
  /** Tells this creation from every other, also of the same name. */
  readonly requestId: string;
  /** What it is to be made of, in the provider's own terms. */
  readonly image?: string | undefined;
  /** The host key that it is to show, where the provider can see to that. The private half is kept nowhere else. */
  readonly hostKey: KeyPair;
  /** Who may log in, `ssh-ed25519 AAAA…`. */
  readonly authorizedKeys: readonly string[];
  /** What else the user asked for, in the provider's own terms. One that it does not know is `usage.invalid`. */
  readonly options: ProviderOptions;
}

export type ProviderOptions = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Which machine is meant: by its id, where that is known, else by name. With another request id it is another one. */
export interface MachineRef {
  readonly name: string;
  readonly requestId: string;
  readonly id?: string | undefined;
}

/** `running` does not yet mean that its SSH server answers. */
export type MachineState = 'creating' | 'starting' | 'running' | 'stopped' | 'failed' | 'deleting';

export interface Machine {
  /** The provider's own name for it. */
  readonly id: string;
  readonly name: string;
  readonly requestId: string;
  readonly state: MachineState;
  /** Why it is so, for a person. */
  readonly reason?: string | undefined;
  /** The workspace that the provider wants to be used. */
  readonly workdir?: string | undefined;
  /** How to log in, where that is known already. */
  readonly ssh?: MachineSsh | undefined;
}

export interface MachineSsh {
  readonly endpoint: Endpoint;
  readonly user: string;
  /** The keys of its SSH server, `ssh-ed25519 AAAA…`. None: they are not known before the first connection. */
  readonly hostKeys: readonly string[];
}

/** Where its SSH server is. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** The stdin and stdout of a program that is run here. */
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  /** Binary messages of a websocket, `wss://…`, or `ws://…` on this machine. */
  | { readonly kind: 'websocket'; readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  /** The provider's own `connect`. */
  | { readonly kind: 'connect' };
