import * as v from 'valibot';
import { parseMemory } from './memory.js';

/** A word of the user's. */
export const text = v.pipe(
  v.string(),
  v.check((value) => !/[\0\n]/.test(value), 'it has no line breaks'),
);

/** Words, or one of them. */
export const list = v.pipe(
  v.union([text, v.array(text)], 'it is a word, or a list of them'),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);

/** Of the command line, too. */
export const yesOrNo = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])], 'it is true or false'),
  v.transform((value) => value === true || value === 'true'),
);

const volume = v.check<string, string>(
  (value) => /^(?:[a-zA-Z0-9][a-zA-Z0-9_.-]*|\/[^:]*):\/[^:]*(?::[a-zA-Z,]+)?$/.test(value),
  'it is NAME:/PATH or /PATH/HERE:/PATH, and :ro behind it where nothing may be written',
);

const environment = v.check<string, string>((value) => /^[^=]+=/.test(value), 'it is NAME=VALUE');

const cpus = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^(\d+\.?\d*|\.\d+)$/), v.transform(Number))], 'it is a number'),
  v.check((value) => value > 0 && value <= 10_000, 'it is more than 0'),
);

const memory = v.pipe(
  v.union([v.string(), v.number()], 'it is a size'),
  v.transform((value) => parseMemory(String(value))),
  v.check((bytes) => bytes !== undefined && bytes > 0, 'it is a size such as 512m or 4g'),
);

/** What containers are told, wherever they run. */
export const containerOptions = {
  volume: v.optional(v.pipe(list, v.array(v.pipe(v.string(), volume))), []),
  env: v.optional(v.pipe(list, v.array(v.pipe(v.string(), environment))), []),
  cpus: v.optional(cpus),
  memory: v.optional(memory),
  network: v.optional(v.pipe(text, v.nonEmpty())),
  user: v.optional(
    v.pipe(text, v.regex(/^[a-zA-Z0-9_.][a-zA-Z0-9_.-]*$/, 'it is the name or the number of an account')),
  ),
};
