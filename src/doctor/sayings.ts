/** What checks can say, by name, with the facts that go into the words: see `cmd/ui/check-words.ts`. Sizes are bytes. */
export interface Sayings {
  // programs here
  'node.runs': { readonly version: string };
  'git.runs': { readonly version: string };
  'git.unnumbered': object;
  'ssh.runs': { readonly version: string };
  'ssh.absent': { readonly config: boolean };
  'ssh.config_broken': { readonly reason: string };

  // places here
  'directory.ready': { readonly path: string };
  'directory.to_be_made': { readonly path: string };
  'space.enough': Space;
  'space.little': Space;
  'space.none': Space;
  'space.unknown': { readonly path: string };

  // what is kept here
  /** `above`: nor is there one in any directory above. */
  'settings.absent': { readonly path: string; readonly above: boolean };
  'settings.read': { readonly path: string };
  'settings.in_environment': { readonly variables: readonly string[] };
  'registry.read': { readonly path: string; readonly sidecars: number };

  // keys
  'agent.holds': { readonly socket: string; readonly keys: number };
  'agent.absent': object;
  'agent.unreachable': { readonly reason: string };
  'keys.usable': { readonly paths: readonly string[]; readonly locked: readonly string[] };
  'keys.unusable': { readonly paths: readonly string[]; readonly reasons: readonly string[] };
  'keys.in_agent': object;
  'keys.of_its_own': object;
  'keys.of_this_machine': object;
  'keys.left_to_ssh': object;
  'keys.none': object;

  // the daemon
  'socket.near': { readonly path: string };
  'socket.elsewhere': { readonly path: string; readonly stateDir: string };
  'socket.exposed': { readonly path: string };
  'daemon.absent': object;
  'daemon.unwanted': object;
  'daemon.same_build': { readonly pid: number; readonly sessions: number };
  'daemon.older': { readonly pid: number; readonly version: string };
  'daemon.newer': { readonly pid: number; readonly version: string };

  // the control plane
  'control_plane.none': object;
  'control_plane.several': { readonly servers: readonly string[] };
  'control_plane.silent': { readonly server: string; readonly seconds: number };
  'control_plane.answers': { readonly server: string; readonly status: string };

  // the working tree
  'tree.repository': { readonly root: string };
  'tree.directory': { readonly root: string };
  'tree.at_work': { readonly path: string };
  'tree.locked': { readonly path: string };

  // the way to the sidecar
  'sidecar.chosen': { readonly name: string; readonly kind: string };
  'sidecar.none': { readonly known: readonly string[] };
  /** `by`: how it is reached, where that is not straight to its address. */
  'address.known': { readonly user: string; readonly host: string; readonly port: number; readonly by?: string };
  'address.asleep': object;
  'name.resolves': { readonly host: string; readonly addresses: readonly string[] };
  'name.needless': { readonly host: string };
  /** It is for the other end of the way to look up. */
  'name.elsewhere': { readonly host: string };
  'name.unknown': { readonly host: string; readonly reason: string };
  'port.open': { readonly host: string; readonly port: number };
  'port.led_to': object;
  'host.pinned': object;
  'host.vouched': { readonly fingerprint: string };
  'host.known': { readonly fingerprint: string };
  'host.new': { readonly fingerprint: string; readonly keyType: string };
  'login.accepted': { readonly user: string };
  'round_trip.measured': { readonly ms: number };

  // the sidecar
  'shell.runs': { readonly shell: string };
  'remote_git.runs': { readonly version: string };
  'tools.present': object;
  'tools.missing': { readonly tools: readonly string[] };
  'home.missing': object;
  'workspace.ready': { readonly path: string };
  'workspace.to_be_made': { readonly path: string };
  'workspace.holds_files': { readonly path: string };
  'workspace.unwritable': { readonly path: string; readonly directory: string };
  'remote_state.ready': { readonly path: string };
  'remote_state.unwritable': { readonly path: string; readonly reason: string };
  'clock.in_step': { readonly skewMs: number };
  'clock.apart': { readonly skewMs: number };
  'landing.free': object;
  'landing.under_way': { readonly pid: string; readonly sureOf: boolean };
  'landing.left_lock': { readonly pid: string };

  // any check
  'check.too_slow': { readonly seconds: number };
}

interface Space {
  readonly path: string;
  readonly freeBytes: number;
  /** Absent where the file system does not count them. */
  readonly freeInodes?: number;
}
