import { readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.js';
import { execProvider } from '../../../../src/provider/exec/provider.js';
import type { Machine, MachineSpec, Provider } from '../../../../src/provider/provider.js';
import { generateKeyPair } from '../../../../src/transport/key-pair.js';
import { packageRoot } from '../../../fakes/built-program.js';
import { scratch, type Scratch } from '../../../fakes/git-repo.js';
import { describeWith } from '../../../fakes/parts.js';
import { writeProviderProgram } from '../../../fakes/provider-program.js';

/**
 * The command `vm` that the example takes for granted, with a machine in each file of `$VMS`. Where there is a file
 * `fails-WORD` it fails, once, after it has done what it was asked for.
 */
const vm = `#!/bin/sh
cd "$VMS" || exit
case $1 in
  create) if [ -e "$2.vm" ]; then echo 'the name is taken' >&2; false; else
    printf '{"id":"vm-%s","name":"%s","tags":{"request":"%s"},"status":"running","ip":"192.0.2.1","hostKey":"%s"}' \\
      "$2" "$2" "\${4#request=}" "$(head -n 1)" > "$2.vm"
  fi ;;
  show) [ -e fails-show ] || cat "$3.vm" 2>/dev/null || echo null ;;
  list) for each in *.vm; do [ ! -e "$each" ] || echo "\${each%.vm}"; done ;;
  destroy) [ -e fails-destroy ] || rm "$2.vm" ;;
esac || exit
[ ! -e "fails-$1" ] || { rm "fails-$1"; exit 1; }
`;

describeWith(['jq'], 'the small provider of the README', () => {
  let place: Scratch;
  let vms: string;
  let provider: Provider;
  let spec: MachineSpec;

  beforeEach(async () => {
    place = scratch();
    const bin = path.join(place.path, 'bin');
    vms = path.join(place.path, 'vms');
    await Promise.all([mkdir(bin), mkdir(vms)]);
    await writeFile(path.join(bin, 'vm'), vm);
    await chmod(path.join(bin, 'vm'), 0o755);
    const readme = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
    const script = /^A small one,[^]*?```sh\n([^]*?)```/m.exec(readme)?.[1] ?? '';
    const program = await writeProviderProgram(bin, 'vms', script);
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, VMS: vms };
    provider = await execProvider({ program, env, clock: systemClock });
    const hostKey = await generateKeyPair();
    spec = { name: 'web', requestId: 'r-1', hostKey, authorizedKeys: [hostKey.publicKey], options: {} };
  });
  afterEach(() => place.remove());

  const failAt = (word: string): Promise<void> => writeFile(path.join(vms, `fails-${word}`), '');

  it('makes, finds, lists and ends machines', async () => {
    const machine = { id: 'vm-web', name: 'web', requestId: 'r-1', state: 'running' };
    expect(await provider.describe(spec)).toBeUndefined();
    await provider.delete(spec);
    expect(await provider.create(spec)).toMatchObject(machine);
    expect(await provider.create(spec)).toMatchObject(machine);
    expect(await provider.describe(spec)).toMatchObject(machine);
    const listed: Machine[] = [];
    for await (const each of provider.list()) listed.push(each);
    expect(listed).toMatchObject([machine]);
    const other = { ...spec, requestId: 'r-2' };
    await expect(provider.create(other)).rejects.toMatchObject({ code: 'sidecar.exists' });
    await provider.delete(other);
    expect(await readdir(vms)).toEqual(['web.vm']);
    await provider.delete(spec);
    expect(await readdir(vms)).toEqual([]);
    await expect(provider.create({ ...spec, options: { size: 'big' } })).rejects.toMatchObject({
      code: 'usage.invalid',
    });
  });

  it('takes a machine for made whose answer was lost', async () => {
    await failAt('create');
    expect(await provider.create(spec)).toMatchObject({ requestId: 'r-1' });
  });

  it('says that nobody can tell where it cannot look', async () => {
    const unknown = { code: 'provider.unavailable', retryable: true };
    await failAt('show');
    await expect(provider.create(spec)).rejects.toMatchObject({ ...unknown, facts: { maybeApplied: true } });
    await failAt('show');
    await expect(provider.describe(spec)).rejects.toMatchObject(unknown);
    await failAt('show');
    await expect(provider.delete(spec)).rejects.toMatchObject(unknown);
    await failAt('destroy');
    await expect(provider.delete(spec)).rejects.toMatchObject(unknown);
    expect(await readdir(vms)).toEqual(['web.vm']);
    await rm(path.join(vms, 'web.vm'));
    expect(await provider.describe(spec)).toBeUndefined();
  });
});
