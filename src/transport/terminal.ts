/** The terminal that a command over there is to run on, as the caller's own is. */
export interface Terminal extends TerminalSize {
  /** What `TERM` says over there, as in `xterm-256color`. */
  readonly term: string;
  /** What is left out, the far side decides. It may not understand any (RFC 4254 §6.2), and take its own. */
  readonly modes?: TerminalModes;
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Modes and characters by their names in RFC 4254 §8: 0 or 1 for a mode (`ECHO`), the code of a character (`VERASE`), 255
 * for none.
 */
export type TerminalModes = Readonly<Record<string, number>>;

/** What stty(1) calls the characters. */
const characters: Readonly<Record<string, string>> = {
  intr: 'VINTR',
  quit: 'VQUIT',
  erase: 'VERASE',
  kill: 'VKILL',
  eof: 'VEOF',
  eol: 'VEOL',
  eol2: 'VEOL2',
  start: 'VSTART',
  stop: 'VSTOP',
  susp: 'VSUSP',
  rprnt: 'VREPRINT',
  reprint: 'VREPRINT', // BSD
  werase: 'VWERASE',
  lnext: 'VLNEXT',
};

/** Modes that are named alike everywhere, in small letters by stty. */
const flags: ReadonlySet<string> = new Set(
  (
    'IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IXON IXANY IXOFF IMAXBEL ISIG ICANON ECHO ECHOE ECHOK ECHONL NOFLSH ' +
    'TOSTOP IEXTEN ECHOCTL ECHOKE OPOST ONLCR OCRNL ONOCR ONLRET'
  ).split(' '),
);

const noCharacter = 255;

/** The modes in what `stty -a` printed, in the words of GNU, busybox or BSD. What is not understood is left out. */
export function modesFromStty(printed: string): TerminalModes {
  const modes: Record<string, number> = {};
  for (const [, name = '', value = ''] of printed.matchAll(/\b([a-z]+2?) = ([^;\s]+);/g)) {
    const mode = characters[name];
    const code = characterCode(value);
    if (mode !== undefined && code !== undefined) modes[mode] = code;
  }
  for (const [, off = '', name = ''] of printed.matchAll(/(?<=^|\s)(-?)([a-z]+)(?=[\s;]|$)/g)) {
    const mode = name.toUpperCase();
    if (flags.has(mode)) modes[mode] = off === '' ? 1 : 0;
  }
  return modes;
}

/** The same as arguments of stty(1). */
export function sttyArguments(modes: TerminalModes): string[] {
  const byMode = new Map(Object.entries(characters).map(([name, mode]) => [mode, name] as const));
  byMode.set('VREPRINT', 'rprnt');
  return Object.entries(modes).flatMap(([mode, value]) => {
    if (flags.has(mode)) return [`${value === 0 ? '-' : ''}${mode.toLowerCase()}`];
    const name = byMode.get(mode);
    if (name === undefined || !Number.isInteger(value) || value < 0 || value > noCharacter) return [];
    return [name, characterOf(value)];
  });
}

/** As stty takes it. A number of one digit would be that digit. */
function characterOf(code: number): string {
  if (code === noCharacter || code === 0) return 'undef';
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
  return code === 0x7f ? '^?' : String(code).padStart(3, '0');
}

/** `^C`, `^?`, `M-^H`, `<undef>` or the character itself. */
function characterCode(value: string): number | undefined {
  if (value === '<undef>' || value === 'undef') return noCharacter;
  const meta = value.startsWith('M-') && value.length > 2;
  const plain = meta ? value.slice(2) : value;
  const high = meta ? 0x80 : 0;
  if (plain === '^?') return high + 0x7f;
  if (/^\^[@-_a-z]$/.test(plain)) return high + (plain.toUpperCase().charCodeAt(1) & 0x1f);
  return plain.length === 1 && plain < '\x80' ? high + plain.charCodeAt(0) : undefined;
}
