import { posixWord } from './quote.js';
import { everyVerb, type Flag, type Place, type Takes, type Verb } from './verbs.js';

/**
 * For bash 3.2 and later, without bash-completion. What is known of each verb is in two functions of one `case` each; the
 * third walks along the line to find out where the cursor is.
 */
export function bashCompletion(program: Verb): string {
  const verbs = everyVerb(program);
  return `# Completion of sidecar for bash. In ~/.bashrc: eval "$(sidecar completion bash)"

# What the option $2 of the verb $1 takes.
_sidecar_option() {
  takes=''
  case $2 in
${program.flags.flatMap((flag) => valueCase(flag, '')).join('\n')}
  esac
  case "$1 $2" in
${verbs
  .filter((verb) => verb !== program)
  .flatMap((verb) => verb.flags.flatMap((flag) => valueCase(flag, `${verb.path} `)))
  .join('\n')}
  esac
}

# The verbs, options and arguments that may follow the verb $1.
_sidecar_verb() {
  verbs='' options='' places=''
  case $1 in
${verbs.map((verb) => verbCase(verb, program)).join('\n')}
  esac
}

_sidecar_offer() {
  local each
  for each; do
    [[ $each != "$cur"* ]] || COMPREPLY+=("$each")
  done
}

_sidecar_listed() {
  local each
  while IFS= read -r each; do
    [[ $each != "$cur"* ]] || COMPREPLY+=("$(printf %q "$each")")
  done < <(command sidecar __complete "$@" 2>/dev/null)
}

_sidecar_generated() {
  local each
  while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen "$@" -- "$cur" 2>/dev/null)
  compopt -o filenames 2>/dev/null
}

_sidecar() {
  local cur=\${COMP_WORDS[COMP_CWORD]} verb='' takes='' dashes='' skips='' given=0 index word
  local verbs options places IFS=$' \\t\\n'
  COMPREPLY=()
  # It takes --option=value for three words.
  [[ $cur != '=' ]] || cur=''
  _sidecar_verb ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $skips ]]; then
      skips=''
    elif [[ $word == '=' && -z $dashes ]]; then
      # Of NAME=value, the value is still to come.
      [[ -n $takes ]] || skips=1
    elif [[ -n $takes ]]; then
      takes=''
    elif [[ -n $dashes ]]; then
      given=$((given + 1))
    elif [[ $word == -- ]]; then
      dashes=1
    elif [[ $word == -* ]]; then
      _sidecar_option "$verb" "$word"
    elif [[ $given == 0 && " $verbs " == *" $word "* ]]; then
      verb="\${verb:+$verb }$word"
      _sidecar_verb "$verb"
    else
      given=$((given + 1))
    fi
  done
  if [[ -z $takes && -z $dashes && $cur == -* ]]; then
    # shellcheck disable=SC2086
    _sidecar_offer $options
    return
  fi
  if [[ -z $takes && -z $dashes && $given == 0 && -n $verbs ]]; then
    # shellcheck disable=SC2086
    _sidecar_offer $verbs
    return
  fi
  if [[ -z $takes ]]; then
    # shellcheck disable=SC2206
    places=($places)
    if ((given < \${#places[@]})); then
      takes=\${places[given]}
    elif ((\${#places[@]} > 0)); then
      # A last place that ends in a plus is for all that follow.
      takes=\${places[\${#places[@]} - 1]}
      [[ $takes == *+ ]] || takes=''
    fi
    takes=\${takes%+}
  fi
  case $takes in
    choice:*)
      local IFS=,
      # shellcheck disable=SC2086
      _sidecar_offer \${takes#choice:}
      ;;
    sidecar) _sidecar_listed names ;;
    file) _sidecar_generated -f ;;
    directory) _sidecar_generated -d ;;
    command) _sidecar_generated -c ;;
  esac
}

complete -F _sidecar sidecar
`;
}

function valueCase({ names, value }: Flag, prefix: string): readonly string[] {
  if (value === undefined) return [];
  const patterns = names.map((name) => posixWord(prefix + name)).join(' | ');
  return [`    ${patterns}) takes=${posixWord(takesWord(value.takes))} ;;`];
}

function verbCase(verb: Verb, program: Verb): string {
  const flags = verb === program ? program.flags : [...verb.flags, ...program.flags];
  const options = [...new Set(flags.flatMap(({ names }) => names))];
  const assigned = { verbs: verb.verbs.map(({ name }) => name), options, places: verb.places.flatMap(placeWords) };
  const assignments = Object.entries(assigned).map(([name, words]) => `${name}=${posixWord(words.join(' '))}`);
  return `    ${posixWord(verb.path)}) ${assignments.join(' ')} ;;`;
}

/** Of a command line, the first word is a program; what follows may be files. */
function placeWords({ takes, many }: Place): readonly string[] {
  return takes.kind === 'command' ? ['command', 'file+'] : [`${takesWord(takes)}${many ? '+' : ''}`];
}

const takesWord = (takes: Takes): string => (takes.kind === 'choice' ? `choice:${takes.values.join(',')}` : takes.kind);
