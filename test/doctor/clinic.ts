import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkWords, type CheckWords } from '../../cmd/ui/check-words.js';
import type { CheckId, Finding } from '../../src/doctor/check.js';
import { examine, type DoctorRequest } from '../../src/doctor/doctor.js';
import { CurrentSidecar } from '../../src/sidecars/current.js';
import type { SidecarRecord } from '../../src/sidecars/record.js';
import { registryStore } from '../../src/sidecars/registry-file.js';
import { Registry } from '../../src/sidecars/registry.js';
import { GitRepo, scratch, type Scratch } from '../fakes/git-repo.js';
import { findPart } from '../fakes/parts.js';

/** What a check found, and its words. */
export type Told = Pick<Finding, 'result'> & CheckWords;

/** A user with a project, an empty home and an empty state directory, who is to be examined. */
export class Clinic {
  readonly #place: Scratch = scratch('sidecar-doctor-');
  readonly home = this.directory('home');
  readonly stateDir = path.join(this.#place.path, 'state');
  readonly project: GitRepo;
  readonly env: Record<string, string>;

  constructor() {
    this.project = GitRepo.init(path.join(this.#place.path, 'project'), this.home);
    this.env = { ...this.project.env, SIDECAR_HOME: this.stateDir };
  }

  /** What was found, by the id of the check. */
  async examine(options: Partial<DoctorRequest> = {}): Promise<Readonly<Record<CheckId, Told>>> {
    const request = { env: this.env, homeDir: this.home, directory: this.project.root, ...options };
    const { findings } = await examine(request);
    const told = findings.map((finding) => [finding.check, { result: finding.result, ...checkWords(finding) }]);
    return Object.fromEntries(told) as Record<CheckId, Told>;
  }

  /** Registers a machine that ssh reaches, and makes it the current one here. */
  async use(machine: Omit<Extract<SidecarRecord['provider'], { kind: 'ssh' }>, 'kind'>, hostKeys: string[] = []) {
    const store = registryStore(this.stateDir);
    const provider = { kind: 'ssh', ...machine } as const;
    await new Registry(store).add({ name: 'web', createdAt: new Date().toISOString(), hostKeys, provider });
    await new CurrentSidecar(store).set(this.project.root, 'web');
  }

  directory(name: string): string {
    const directory = path.join(this.#place.path, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  write(file: string, content: string, mode = 0o600): string {
    const full = path.join(this.#place.path, file);
    mkdirSync(path.dirname(full), { recursive: true, mode: 0o700 });
    writeFileSync(full, content, { mode });
    return full;
  }

  /** A PATH with these programs and no others: the real ones, and scripts in the place of some. */
  path(programs: readonly string[], scripts: Readonly<Record<string, string>> = {}): string {
    const bin = this.directory(`bin-${programs.join('-')}-${Object.keys(scripts).join('-')}`.slice(0, 80));
    for (const program of programs) symlinkSync(findPart(program) ?? '', path.join(bin, program));
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    return bin;
  }

  [Symbol.dispose](): void {
    this.#place.remove();
  }
}
