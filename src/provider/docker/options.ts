import * as v from 'valibot';
import { checkOptions } from '../options.js';
import type { ProviderOptions } from '../provider.js';
import { parseMemory } from './memory.js';

/** Where `sshd` of a container is published on the engine's machine. */
export interface Published {
  readonly bind: string;
  /** 0: any that is free. */
  readonly port: number;
}

const text = v.pipe(
  v.string(),
  v.check((value) => !/[\0\n]/.test(value), 'it has no line breaks'),
);

const list = v.pipe(
  v.union([text, v.array(text)], 'it is a word, or a list of them'),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);

const volume = v.check<string, string>(
  (value) => /^(?:[a-zA-Z0-9][a-zA-Z0-9_.-]*|\/[^:]*):\/[^:]*(?::(?:ro|rw|z|Z|,)+)?$/.test(value),
  'it is NAME:/PATH or /PATH/HERE:/PATH, and :ro behind it where nothing may be written',
);

const environment = v.check<string, string>((value) => /^[^=]+=/.test(value), 'it is NAME=VALUE');

const cpus = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/), v.transform(Number))], 'it is a number'),
  v.check((value) => value > 0 && value <= 10_000, 'it is more than 0'),
);

const memory = v.pipe(
  v.union([v.string(), v.number()], 'it is a size'),
  v.transform((value) => parseMemory(String(value))),
  v.check((bytes) => bytes !== undefined && bytes > 0, 'it is a size such as 512m or 4g'),
);

const published = v.pipe(
  v.union([v.string(), v.number()], 'it is PORT or ADDRESS:PORT'),
  v.transform((value) => parsePublished(String(value))),
  v.check((parsed) => parsed !== undefined, 'it is PORT or ADDRESS:PORT; port 0 takes any that is free'),
);

const schema = v.strictObject({
  publish: v.optional(published),
  volume: v.optional(v.pipe(list, v.array(v.pipe(v.string(), volume))), []),
  env: v.optional(v.pipe(list, v.array(v.pipe(v.string(), environment))), []),
  cpus: v.optional(cpus),
  memory: v.optional(memory),
  network: v.optional(v.pipe(text, v.nonEmpty())),
  user: v.optional(
    v.pipe(text, v.regex(/^[a-zA-Z0-9_.][a-zA-Z0-9_.-]*$/, 'it is the name or the number of an account')),
  ),
  platform: v.optional(v.pipe(text, v.regex(/^[a-z0-9_]+(\/[a-z0-9_]+){0,2}$/, 'it is such as linux/arm64'))),
  pull: v.optional(v.picklist(['missing', 'always', 'never'], 'it is missing, always or never'), 'missing'),
  /** The path of its configuration, or whether there is to be one. */
  devcontainer: v.optional(
    v.pipe(
      v.union([v.boolean(), v.pipe(text, v.nonEmpty())], 'it is true, or the path of a devcontainer.json'),
      v.transform((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    ),
    false,
  ),
});

export type DockerOptions = v.InferOutput<typeof schema>;

/** Throws `usage.invalid`. */
export function dockerOptions(options: ProviderOptions): DockerOptions {
  return checkOptions('docker', schema, options);
}

function parsePublished(value: string): Published | undefined {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(\d{1,5})$/.exec(value);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  return { bind: match[1]?.replace(/^\[(.*)\]$/, '$1') ?? '127.0.0.1', port };
}
