/**
 * As the shell that ssh starts for a ProxyCommand, and so in its first line, says that a program is not there, or is none:
 * the shells of POSIX, zsh, fish and csh.
 */
export const notStarted = new RegExp(
  [
    /^(?:\S*\/|-)?(?:ba|da|a|k|mk)?sh: (?:exec: |line [01]: |1: )*[^:]+: (?:cannot execute: )?/.source +
      /(?:(?:command |inaccessible or )?not found|No such file or directory|Permission denied)$/.source,
    /^(?:\S*\/)?zsh:1: (?:command not found|no such file or directory|permission denied): .+$/.source,
    /^(?:\S*\/)?fish: Unknown command\b.*$/.source,
    /^(?:\S+: Command not found|\/\S+: Permission denied)\.$/.source,
  ].join('|'),
);
