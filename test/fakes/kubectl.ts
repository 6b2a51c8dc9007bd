import { writeFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Puts a `kubectl` into `bin` that keeps Secrets and Pods as files in `state`, and runs what is to be run in a Pod on this
 * machine, with the Secret's files where they are mounted. It knows what `sidecar-provider-kubectl` says to it and no more: it
 * stands for no cluster.
 */
export async function writeKubectl(bin: string, state: string): Promise<void> {
  await mkdir(state, { recursive: true });
  const file = path.join(bin, 'kubectl');
  await writeFile(file, `#!${process.execPath}\nconst state = ${JSON.stringify(state)};\n${program}`);
  await chmod(file, 0o755);
}

export interface Misfortune {
  /** What kubectl prints instead of the answer. None: it is killed. */
  readonly says?: string;
  /** Whether the server has done what it was asked for. */
  readonly done: boolean;
  /** It never ends by itself. */
  readonly hangs?: boolean;
}

/** Has the next call of this verb about such objects, as in `create pod`, go wrong. The file is there until it does. */
export function spoil(state: string, call: string, misfortune: Misfortune): string {
  const file = path.join(state, `spoilt ${call}`);
  writeFileSync(file, JSON.stringify(misfortune));
  return file;
}

const program = String.raw`
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');

const argv = process.argv.slice(2);
fs.appendFileSync(path.join(state, 'calls'), JSON.stringify(argv) + '\n');
const end = argv.indexOf('--');
const command = end < 0 ? [] : argv.slice(end + 1);
const words = [];
const options = {};
const bare = ['--ignore-not-found', '--stdin', '--minify'];
for (let at = 0; at < (end < 0 ? argv.length : end); at += 1) {
  const word = argv[at];
  if (!word.startsWith('--')) words.push(word);
  else options[word] = bare.includes(word) ? true : argv[(at += 1)];
}
const die = (message) => {
  process.stderr.write('Error from server ' + message + '\n');
  process.exit(1);
};
const print = (document) => process.stdout.write(JSON.stringify(document) + '\n');
const fileOf = (kind, name) => path.join(state, kind.toLowerCase() + '-' + name + '.json');
/** Undefined where it is gone, or goes now. */
const read = (file) => {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};
const mountOf = (pod) => path.join(state, 'mount-' + pod);

/** Objects of the kinds 'secrets,pods' that a selector tells. */
const select = (kinds) => {
  const wanted = options['--selector'].split(',').map((each) => each.split('='));
  const files = kinds.split(',').flatMap((kind) => fs.readdirSync(state).filter((file) => file.startsWith(kind.slice(0, -1) + '-')));
  const objects = files.filter((file) => file.endsWith('.json')).map((file) => read(path.join(state, file)));
  return objects.filter((each) => each && wanted.every(([key, value]) => each.metadata.labels?.[key] === value));
};

/** Has a Pod that has been looked at once boot meanwhile. */
const boot = (pod) => {
  const { name } = pod.metadata;
  if (pod.kind !== 'Pod' || pod.status.phase !== 'Pending') return;
  const { secretName, defaultMode: mode } = pod.spec.volumes[0].secret;
  const secret = read(fileOf('secret', secretName));
  if (secret === undefined) return;
  fs.mkdirSync(mountOf(name), { recursive: true });
  for (const [key, text] of Object.entries(secret.data)) {
    const mounted = path.join(mountOf(name), key);
    if (!fs.existsSync(mounted)) fs.writeFileSync(mounted, Buffer.from(text, 'base64'), { mode });
  }
  const draft = fileOf('pod', name) + '.' + process.pid;
  fs.writeFileSync(draft, JSON.stringify({ ...pod, status: { phase: 'Running', containerStatuses: [{ ready: true }] } }));
  fs.renameSync(draft, fileOf('pod', name));
};

/** How this call is to go wrong, where it is. */
const misfortune = (call) => {
  const file = path.join(state, 'spoilt ' + call);
  const found = read(file);
  fs.rmSync(file, { force: true });
  return found;
};
const suffer = ({ says, hangs }) => {
  if (hangs) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (says === undefined) process.kill(process.pid, 'SIGKILL');
  process.stderr.write(says + '\n');
  process.exit(1);
};

const [verb, kind = '', name] = words;
if (verb !== 'config' && (options['--context'] !== 'test' || options['--namespace'] !== 'sidecars')) {
  process.stderr.write('error: context ' + options['--context'] + ' does not exist\n');
  process.exit(1);
}
switch (verb) {
  case 'config':
    process.stdout.write(kind === 'current-context' ? 'test\n' : 'sidecars');
    break;
  case 'create': {
    const made = JSON.parse(fs.readFileSync(0, 'utf8'));
    const { name } = made.metadata;
    const fate = misfortune('create ' + made.kind.toLowerCase());
    if (fate?.done === false) suffer(fate);
    if (made.kind === 'Pod') {
      if (/nosuch/.test(made.spec.containers[0].image)) die('(Forbidden): pods "' + name + '" is forbidden: exceeded quota: pods');
      made.status = { phase: 'Pending', containerStatuses: [{ ready: false, state: { waiting: { reason: 'ContainerCreating' } } }] };
    } else {
      made.data = Object.fromEntries(Object.entries(made.stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
      delete made.stringData;
    }
    // In one step, as the server does: whoever comes second finds it whole.
    const draft = fileOf(made.kind, name) + '.' + process.pid;
    fs.writeFileSync(draft, JSON.stringify(made));
    try {
      fs.linkSync(draft, fileOf(made.kind, name));
    } catch {
      die('(AlreadyExists): ' + made.kind.toLowerCase() + 's "' + name + '" already exists');
    } finally {
      fs.rmSync(draft);
    }
    if (fate !== undefined) suffer(fate);
    break;
  }
  case 'get': {
    const fate = misfortune('get ' + kind);
    if (fate !== undefined) suffer(fate);
    if (name === undefined) {
      const items = select(kind);
      print({ kind: 'List', items });
      items.forEach(boot);
      break;
    }
    const found = read(fileOf(kind, name));
    if (found !== undefined) print(found);
    break;
  }
  case 'delete': {
    const fate = misfortune('delete ' + kind);
    if (fate?.done === false) suffer(fate);
    for (const { kind: each, metadata } of select(kind)) {
      fs.rmSync(fileOf(each, metadata.name), { force: true });
      if (each === 'Pod') fs.rmSync(mountOf(metadata.name), { recursive: true, force: true });
    }
    if (fate !== undefined) suffer(fate);
    break;
  }
  case 'exec': {
    if (read(fileOf('pod', kind)) === undefined) die('(NotFound): pods "' + kind + '" not found');
    const [file, ...args] = command.map((word) => word.replaceAll('/etc/sidecar', mountOf(kind)));
    spawn(file, args, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 137));
    break;
  }
  default:
    process.stderr.write('error: unknown command ' + verb + '\n');
    process.exit(1);
}
`;
