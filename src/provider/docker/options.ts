import * as v from 'valibot';
import { checkOptions } from '../options.js';
import type { ProviderOptions } from '../provider.js';
import { containerOptions, text } from './container-options.js';

/** Where `sshd` of a container is published on the engine's machine. */
export interface Published {
  readonly bind: string;
  /** 0: any that is free. */
  readonly port: number;
}

const published = v.pipe(
  v.union([v.string(), v.number()], 'it is PORT or ADDRESS:PORT'),
  v.transform((value) => parsePublished(String(value))),
  v.check((parsed) => parsed !== undefined, 'it is PORT or ADDRESS:PORT; port 0 takes any that is free'),
);

const schema = v.strictObject({
  publish: v.optional(published),
  ...containerOptions,
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
