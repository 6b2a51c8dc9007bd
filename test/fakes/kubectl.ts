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
const read = (file) => (fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined);
const mountOf = (pod) => path.join(state, 'mount-' + pod);

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
    break;
  }
  case 'get': {
    if (kind === 'secrets') {
      const [key, value] = options['--selector'].split('=');
      const all = fs.readdirSync(state).filter((file) => /^secret-.*json$/.test(file)).map((file) => read(path.join(state, file)));
      print({ kind: 'List', items: all.filter((each) => each && each.metadata.labels[key] === value) });
      break;
    }
    const file = fileOf(kind, name);
    const found = read(file);
    if (found === undefined) break;
    print(found);
    // It has been looked at once, and boots meanwhile.
    if (kind === 'pod' && found.status.phase === 'Pending') {
      const { secretName, defaultMode: mode } = found.spec.volumes[0].secret;
      fs.mkdirSync(mountOf(name), { recursive: true });
      for (const [key, text] of Object.entries(read(fileOf('secret', secretName)).data)) {
        const mounted = path.join(mountOf(name), key);
        if (!fs.existsSync(mounted)) fs.writeFileSync(mounted, Buffer.from(text, 'base64'), { mode });
      }
      const draft = file + '.' + process.pid;
      fs.writeFileSync(draft, JSON.stringify({ ...found, status: { phase: 'Running', containerStatuses: [{ ready: true }] } }));
      fs.renameSync(draft, file);
    }
    break;
  }
  case 'delete':
    fs.rmSync(fileOf(kind, name), { force: true });
    if (kind === 'pod') fs.rmSync(mountOf(name), { recursive: true, force: true });
    break;
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
