/** What a builder says of pushes that may go well a little later: its own retries are over in seven seconds, and leave out some of these. */
const PASSING = [
  /unexpected status.*: (?:408|425|429|500|502|503|504)\b/,
  // An upload that the registry has lost, as those behind several servers do.
  /unexpected status from (?:PATCH|PUT) request to .*\/blobs\/uploads\/.*: 404\b/,
  /\b(?:connection reset by peer|broken pipe|i\/o timeout|TLS handshake timeout|unexpected EOF)\b/,
  /\bEOF$/,
];

/** Whether a builder's failure to push is worth another try (moby/buildkit `util/resolver/retryhandler`, containerd `remotes/docker`). */
export function isPassing(message: string): boolean {
  return PASSING.some((pattern) => pattern.test(message));
}
