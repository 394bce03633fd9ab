/** A stream, or the whole connection, was ended before its time. */
export class Http2Error extends Error {
  /** An error code of HTTP/2; undefined where the connection is gone. */
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.name = 'Http2Error';
    this.code = code;
  }
}
