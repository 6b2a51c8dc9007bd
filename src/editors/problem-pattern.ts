/**
 * What `path:line:column: severity: message [code]` is found by, in every editor. Its groups are the path, the line, the
 * column, `error` or `warning`, the message and the code. See `cmd/ui/problem-line.ts`.
 */
export const problemPattern = String.raw`^(.+?):(\d+):(\d+): (error|warning): (.+) \[([\w.]+)\]$`;
