import * as v from 'valibot';
import { durationPattern, durationRule, parseDuration } from './duration.js';
import { namePattern, nameRule } from './names.js';

/** What may happen to changes in the workspace that did not come from here. */
const driftModes = ['save', 'refuse'] as const;

export type DriftMode = (typeof driftModes)[number];

/** For messages: what each key takes. */
export const settingRules = {
  $schema: 'the address of a JSON Schema, for editors',
  sidecar: nameRule,
  workdir: 'a path on the sidecar; a relative one starts at the home directory there',
  drift: driftModes.map((mode) => `'${mode}'`).join(' or '),
  connectTimeout: durationRule,
} as const;

/**
 * The settings files, `.sidecar.json` and `config.json`, and by its keys the flags and variables too. Published as a
 * JSON Schema by `.config/schema.ts`. `connectTimeout` comes out in milliseconds.
 */
export const settingsFile = v.pipe(
  v.strictObject({
    $schema: v.optional(v.pipe(v.string(), v.description('The JSON Schema of this file, for editors.'))),
    sidecar: v.optional(
      v.pipe(
        v.string(),
        v.regex(namePattern),
        v.description('Name of the sidecar to use, unless a flag, SIDECAR_NAME or `sidecar use` says otherwise.'),
      ),
    ),
    workdir: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[^\u0000]+$/),
        v.description('The workspace on the sidecar. A relative path starts at the home directory there.'),
      ),
    ),
    drift: v.optional(
      v.pipe(
        v.picklist(driftModes),
        v.description('Changes in the workspace that did not come from here: save them and go on, or refuse to sync.'),
      ),
    ),
    connectTimeout: v.optional(
      v.pipe(
        v.union([v.pipe(v.string(), v.regex(durationPattern)), v.pipe(v.number(), v.gtValue(0))]),
        v.description('How long to try to reach the sidecar: "90s", "2m", or a number of seconds. At most 24 hours.'),
        v.transform((value) => parseDuration(String(value))),
        v.number(),
      ),
    ),
  }),
  v.title('sidecar settings'),
  v.description('Settings of the sidecar command: .sidecar.json in a project, config.json of the user.'),
);

export type SettingKey = keyof typeof settingRules;

export type CheckedSettings = v.InferOutput<typeof settingsFile>;
