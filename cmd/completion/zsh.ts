import { posixWord } from './quote.js';
import { everyVerb, type Flag, type Place, type Takes, type Verb } from './verbs.js';

/** For zsh: a function for each verb, in the words of its `_arguments`. */
export function zshCompletion(program: Verb): string {
  return `#compdef sidecar
# Completion of sidecar for zsh. In ~/.zshrc, after compinit: eval "$(sidecar completion zsh)"
# Or as a file named _sidecar in a directory of $fpath.

_sidecar_names() {
  local -a names
  names=(\${(f)"$(command sidecar __complete names 2>/dev/null)"})
  compadd -a names
}

${everyVerb(program)
  .map((verb) => verbFunction(verb, program))
  .join('\n\n')}

if [[ $funcstack[1] == _sidecar ]]; then
  _sidecar "$@"
else
  compdef _sidecar sidecar
fi
`;
}

const functionName = (verb: Verb): string =>
  ['_sidecar', ...verb.path.split(' ')].filter((part) => part !== '').join('_');

function verbFunction(verb: Verb, program: Verb): string {
  const flags = verb === program ? program.flags : [...verb.flags, ...program.flags.filter(isNotIn(verb.flags))];
  const lines = verb.verbs.length > 0 ? nested(verb, flags) : leaf(verb, flags);
  return `${functionName(verb)}() {\n${lines.map((line) => `  ${line}\n`).join('')}}`;
}

const isNotIn =
  (flags: readonly Flag[]) =>
  (flag: Flag): boolean =>
    !flags.some(({ names }) => names.some((name) => flag.names.includes(name)));

const leaf = (verb: Verb, flags: readonly Flag[]): string[] => [
  'local curcontext=$curcontext state line',
  'local -A opt_args',
  ...call([...flags.flatMap(flagSpecs), ...verb.places.flatMap(placeSpecs)]),
];

/** The word that names the next verb decides which function goes on, with it as the first word. */
function nested(verb: Verb, flags: readonly Flag[]): string[] {
  const described = verb.verbs.map(({ name, description }) => posixWord(`${name}:${description}`));
  return [
    'local curcontext=$curcontext state line ret=1',
    'local -A opt_args',
    'local -a verbs',
    ...['verbs=(', ...described.map((each) => `  ${each}`), ')'],
    ...call([...flags.flatMap(flagSpecs), posixWord('1: :->verb'), posixWord('*:: :->rest')], '-C '),
    'ret=$?',
    'case $state in',
    "  verb) _describe -t commands 'command' verbs && ret=0 ;;",
    `  rest) (( $+functions[${functionName(verb)}_$line[1]] )) && ${functionName(verb)}_$line[1] && ret=0 ;;`,
    'esac',
    'return ret',
  ];
}

const call = (specs: readonly string[], more = ''): string[] => [
  `_arguments -s -S ${more}\\`,
  ...specs.map((spec, index) => `  ${spec}${index < specs.length - 1 ? ' \\' : ''}`),
];

/** `(-s --sidecar)-s[words]:label:action`, once for each name; a star in front of one that may be repeated is no harm. */
function flagSpecs({ names, description, value }: Flag): readonly string[] {
  const words = description.replace(/[[\]\\]/g, '\\$&');
  return names.map((name) => {
    const taken = value === undefined ? '' : `:${plain(value.label)}:${actionFor(value.takes)}`;
    const equals = value !== undefined && name.startsWith('--') ? '=' : '';
    return posixWord(`*${name}${equals}[${words}]${taken}`);
  });
}

function placeSpecs({ label, takes, many }: Place): readonly string[] {
  if (takes.kind === 'command') return [posixWord('(-)1:program:_command_names -e'), posixWord('*::argument:_normal')];
  return [posixWord(`${many ? '*' : ':'}:${plain(label)}:${actionFor(takes)}`)];
}

function actionFor(takes: Takes): string {
  switch (takes.kind) {
    case 'choice':
      return `(${takes.values.join(' ')})`;
    case 'sidecar':
      return '_sidecar_names';
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'command':
      return '_normal';
    case 'anything':
    case 'drift':
      return ' ';
  }
}

/** A colon would end it. */
const plain = (label: string): string => label.replaceAll(':', ' ');
