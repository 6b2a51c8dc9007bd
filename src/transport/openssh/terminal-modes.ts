import type { TerminalModes } from '../terminal.js';
import { uint32 } from '../wire-writer.js';

/** The modes as RFC 4254 §8 encodes them. One that has no number there is left out. */
export function encodedModes(modes: TerminalModes): Buffer {
  const parts = Object.entries(modes).flatMap(([name, value]) => {
    const number = numbers.get(name);
    return number === undefined ? [] : [Buffer.from([number]), uint32(value)];
  });
  return Buffer.concat([...parts, Buffer.from([end])]);
}

const end = 0;

const inOrder = (first: number, names: string): [string, number][] =>
  names.split(' ').map((name, index) => [name, first + index]);

const numbers = new Map([
  ...inOrder(1, 'VINTR VQUIT VERASE VKILL VEOF VEOL VEOL2 VSTART VSTOP VSUSP VDSUSP VREPRINT VWERASE VLNEXT VFLUSH'),
  ...inOrder(16, 'VSWTCH VSTATUS VDISCARD'),
  ...inOrder(30, 'IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8'),
  ...inOrder(50, 'ISIG ICANON XCASE ECHO ECHOE ECHOK ECHONL NOFLSH TOSTOP IEXTEN ECHOCTL ECHOKE PENDIN'),
  ...inOrder(70, 'OPOST OLCUC ONLCR OCRNL ONOCR ONLRET'),
  ...inOrder(90, 'CS7 CS8 PARENB PARODD'),
  ...inOrder(128, 'TTY_OP_ISPEED TTY_OP_OSPEED'),
]);
