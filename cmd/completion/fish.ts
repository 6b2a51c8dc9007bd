import { fishWord } from './quote.js';
import { everyVerb, type Flag, type Place, type Takes, type Verb } from './verbs.js';

/** For fish: one `complete` for each verb, option and argument, with where on the line it is offered. */
export function fishCompletion(program: Verb): string {
  const verbs = everyVerb(program);
  const valued = verbs.flatMap(({ flags }) => flags.flatMap(({ names, value }) => (value === undefined ? [] : names)));
  const paths = verbs.map(({ path }) => path).filter((path) => path !== '');
  return `# Completion of sidecar for fish, as ~/.config/fish/completions/sidecar.fish

# Where the cursor is: at which verb, after which arguments, and whether after --.
function __sidecar_place
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l verb
    set -l value
    set -g __sidecar_rest
    set -g __sidecar_dashes
    for token in $tokens
        if set -q __sidecar_dashes[1]
            set -a __sidecar_rest $token
        else if set -q value[1]
            set value
        else if test "$token" = --
            set __sidecar_dashes yes
        else if contains -- "$token" ${words(valued)}
            set value yes
        else if string match -q -- '-*' "$token"
        else if not set -q __sidecar_rest[1]; and contains -- (string join ' ' $verb $token) ${words(paths)}
            set -a verb $token
        else
            set -a __sidecar_rest $token
        end
    end
    set -g __sidecar_verb (string join ' ' $verb)
end

# At the verb, before any --: where its options go. Those of the program go with every verb.
function __sidecar_takes_options -a verb
    __sidecar_place
    not set -q __sidecar_dashes[1]; and test (count $argv) -eq 0 -o "$__sidecar_verb" = "$verb"
end

# At the argument of the verb with that number; with a third word, at that or a later one.
function __sidecar_takes_argument -a verb number
    __sidecar_place
    test "$__sidecar_verb" = "$verb"; or return 1
    set -l given (count $__sidecar_rest)
    test $given -eq $number; or test (count $argv) -gt 2 -a $given -ge $number
end

# What fish itself makes of words that are to be run.
function __sidecar_command
    complete -C (string join ' ' -- (string escape -- $__sidecar_rest) (commandline -ct))
end

complete -c sidecar -f
${program.flags.map((flag) => flagLine(flag, '__sidecar_takes_options')).join('\n')}
${verbs.flatMap((verb) => verbLines(verb, program)).join('\n')}
`;
}

const words = (texts: readonly string[]): string => [...new Set(texts)].map(fishWord).join(' ');

function verbLines(verb: Verb, program: Verb): readonly string[] {
  // Of the program's flags, help is every verb's own too.
  const everywhere = new Set(program.flags.flatMap(({ names }) => names));
  const own = verb.flags.filter(({ names }) => !names.some((name) => everywhere.has(name)));
  const path = fishWord(verb.path);
  return [
    ...verb.verbs.map((each) =>
      line(`__sidecar_takes_argument ${path} 0`, `-a ${fishWord(each.name)} -d ${fishWord(each.description)}`),
    ),
    ...own.map((flag) => flagLine(flag, `__sidecar_takes_options ${path}`)),
    ...verb.places.flatMap((place, index) => placeLine(path, place, index)),
  ];
}

function flagLine({ names, description, value }: Flag, condition: string): string {
  const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const taken = value === undefined ? '' : ` -r ${offer(value.takes)}`.trimEnd();
  return line(condition, `${spelled.join(' ')} -d ${fishWord(description)}${taken}`);
}

function placeLine(path: string, { takes, many }: Place, index: number): readonly string[] {
  const offered = offer(takes);
  const isMany = many || takes.kind === 'command';
  return offered === '-f' ? [] : [line(`__sidecar_takes_argument ${path} ${index}${isMany ? ' more' : ''}`, offered)];
}

const line = (condition: string, rest: string): string => `complete -c sidecar -n ${fishWord(condition)} ${rest}`;

function offer(takes: Takes): string {
  switch (takes.kind) {
    case 'choice':
      return `-f -a ${fishWord(takes.values.map(fishWord).join(' '))}`;
    case 'sidecar':
      return `-f -a '(command sidecar __complete names 2>/dev/null)'`;
    case 'file':
      return '-F';
    case 'directory':
      return `-f -a '(__fish_complete_directories (commandline -ct))'`;
    case 'command':
      return `-f -a '(__sidecar_command)'`;
    case 'anything':
    case 'drift':
      return '-f';
  }
}
