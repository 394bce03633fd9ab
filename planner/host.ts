/**
 * What a planner may ask of the file system. Synchronous: definitions are small, and every answer is needed at once.
 * Paths are relative to the working directory of the {@link FileSystemPort}'s owner, or absolute.
 */
export interface FileSystemPort {
  /** The text of a file; undefined when there is none. Throws what cannot be read, with a message for a person. */
  readonly readText: (path: string) => string | undefined;
  /** What is there; `other` also for what cannot be looked at, which {@link readText} then tells. */
  readonly kind: (path: string) => 'file' | 'dir' | 'socket' | 'other' | undefined;
}
