import { lstat } from 'node:fs/promises';
import { compareBuilds, type Build } from '../daemon/build.js';
import { askDaemon, isOwnPlace } from '../daemon/client.js';
import { daemonPlace, type DaemonPlace } from '../daemon/place.js';
import { SidecarError } from '../errors.js';
import { ok, skipped, warning, type Check, type Verdict } from './check.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';

/** The daemon, which nothing depends on: what is wrong with it only makes commands slower. */
export function daemonChecks(patient: Patient, limit: Limit): readonly Check[] {
  const { platform, home, daemonBuild } = patient;
  const place = daemonPlace(home.stateDir, { platform, uid: process.getuid?.() });
  return [
    { id: 'daemon.socket', run: async () => limit(checkSocket(await place)) },
    {
      id: 'daemon',
      run: async () =>
        daemonBuild === undefined
          ? skipped('daemon.unwanted', {})
          : limit(checkDaemon(await place, { build: daemonBuild, signal: patient.signal })),
    },
  ];
}

/** Its directory may be one that anybody could have made, where the state directory's path is too long for a socket. */
async function checkSocket(place: DaemonPlace): Promise<Verdict> {
  const { directory, socketDirectory, socket, stateDir } = place;
  const isThere =
    socketDirectory !== undefined &&
    (await lstat(socketDirectory).then(
      () => true,
      () => false,
    ));
  if (isThere && !(await isOwnPlace(place))) return warning('socket.exposed', { path: socketDirectory });
  return socketDirectory === undefined || socketDirectory === directory
    ? ok('socket.near', { path: socket })
    : ok('socket.elsewhere', { path: socket, stateDir });
}

async function checkDaemon(
  place: DaemonPlace,
  { build, signal }: { readonly build: Build; readonly signal: AbortSignal },
): Promise<Verdict> {
  const answer = await askDaemon({ command: 'status' }, { place, build, signal });
  if (answer.kind === 'without') {
    if (answer.why !== 'silent') return ok('daemon.absent', {});
    return { result: 'warning', error: new SidecarError('daemon.silent', { socket: place.socket }) };
  }
  const { pid, build: its, sessions } = answer.result;
  const order = compareBuilds(its, build);
  if (order === 0) return ok('daemon.same_build', { pid, sessions: sessions.length });
  return warning(order < 0 ? 'daemon.older' : 'daemon.newer', { pid, version: its.version });
}
