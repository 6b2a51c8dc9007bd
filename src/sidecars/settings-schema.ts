import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { parseForward } from '../transport/forward-spec.js';
import { durationPattern, durationRule, parseDuration } from './duration.js';
import { namePattern, nameRule } from './names.js';
import { patternFault } from './pattern-rule.js';
import { isProgramProviderName, providerNamePattern } from './provider-name.js';

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
  ignore: 'a list of patterns as in a .gitignore',
  include: 'a list of patterns as in a .gitignore',
  forwards: 'a list of forwards as `sidecar forward` takes them: "8080:3000", or {"remote": "9000:localhost:3000"}',
  environment: 'an object of variables: {"NAME": "value"}',
  afterLanding: 'a command: a list of words, or a line for `sh`',
  providers:
    'an object of programs: {"NAME": {"command": ["/absolute/path", "argument"]}}; a name has lower-case letters, digits and ' +
    'dashes, and local, docker, swarm, ssh and api are taken',
  server: 'the address of a control plane: https://host/path, or http:// on this machine',
} as const;

/** What of a pattern an editor can check; `patternFault` says the rest, and why. */
const patterns = v.array(
  v.pipe(
    v.string(),
    v.regex(/^[^!#\n\r\u0000][^\n\r\u0000]*$/),
    v.check((pattern) => patternFault(pattern) === undefined),
  ),
);

const forwardText = v.pipe(v.string(), v.check(isForward));

function isForward(text: string): boolean {
  try {
    parseForward(text);
    return true;
  } catch {
    return false;
  }
}

const word = v.pipe(v.string(), v.regex(/^[^\u0000]*$/));
const firstWord = v.pipe(v.string(), v.regex(/^[^\u0000]+$/));

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
        v.examples(['app', '/srv/app']),
      ),
    ),
    drift: v.optional(
      v.pipe(
        v.picklist(driftModes),
        v.description('Changes in the workspace that did not come from here: save them and go on, or refuse to sync.'),
        v.metadata({ default: 'save' }),
      ),
    ),
    connectTimeout: v.optional(
      v.pipe(
        v.union([v.pipe(v.string(), v.regex(durationPattern)), v.pipe(v.number(), v.gtValue(0))]),
        v.description('How long to try to reach the sidecar: "90s", "2m", or a number of seconds. At most 24 hours.'),
        v.metadata({ default: '90s' }),
        v.transform((value) => parseDuration(String(value))),
        v.number(),
      ),
    ),
    ignore: v.optional(
      v.pipe(
        patterns,
        v.description(
          'Patterns as in a .gitignore, of files that are not sent though git does not ignore them. They outweigh `include`, ' +
            'and are left alone on the sidecar.',
        ),
        v.examples([['/data/', '*.mp4']]),
      ),
    ),
    include: v.optional(
      v.pipe(
        patterns,
        v.description(
          'Patterns as in a .gitignore, of files that are sent though git ignores them. A file in a directory that git ' +
            'ignores is found where the pattern spells out the way to it.',
        ),
        v.examples([['.env.local', 'config/*.secret']]),
      ),
    ),
    forwards: v.optional(
      v.pipe(
        v.array(v.union([forwardText, v.strictObject({ remote: forwardText })])),
        v.description(
          'What `sidecar forward` without arguments forwards: "8080:3000" listens here, {"remote": "9000:localhost:3000"} ' +
            'on the sidecar. In a project, it counts once `sidecar allow` has been said.',
        ),
        v.examples([['8080', '5432:db:5432', { remote: '9000:localhost:3000' }]]),
      ),
    ),
    environment: v.optional(
      v.pipe(
        v.record(v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/)), word),
        v.description(
          'Variables for what is run on the sidecar; `-e` and `--env-file` outweigh them. In a project, they count once ' +
            '`sidecar allow` has been said.',
        ),
        v.examples([{ NODE_ENV: 'development' }]),
      ),
    ),
    afterLanding: v.optional(
      v.pipe(
        v.union([
          firstWord,
          v.pipe(
            v.array(word),
            v.minLength(1),
            v.check(([program]) => program !== ''),
          ),
        ]),
        v.description(
          'A command that is run in the workspace after each landing that changed something: a list of words, or a line ' +
            'for `sh`. In a project, it counts once `sidecar allow` has been said.',
        ),
        v.examples([['npm', 'ci'], 'make deps && make']),
      ),
    ),
    providers: v.optional(
      v.pipe(
        v.record(
          v.pipe(v.string(), v.regex(providerNamePattern), v.check(isProgramProviderName)),
          v.strictObject({
            command: v.pipe(
              v.array(word),
              v.minLength(1),
              v.check(([program = '']) => isAbsolute(program)),
            ),
          }),
        ),
        v.description(
          'Programs that make machines, by the name that `--provider` takes: the absolute path of each, and its first ' +
            'arguments. Only in config.json of the user.',
        ),
        v.examples([{ vms: { command: ['/opt/vms/sidecar-provider', '--region', 'eu'] } }]),
      ),
    ),
    server: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^https?:\/\/[^\s\u0000-\u001f]+$/),
        v.description('The control plane that `sidecar login` logs in to. Only in config.json of the user.'),
        v.examples(['https://sidecars.example.com']),
      ),
    ),
  }),
  v.title('sidecar settings'),
  v.description('Settings of the sidecar command: .sidecar.json in a project, config.json of the user.'),
);

export type SettingKey = keyof typeof settingRules;

export type CheckedSettings = v.InferOutput<typeof settingsFile>;
