import type { EventSink } from '../../runtime/event.ts';

/** One way of showing a build. */
export interface Progress {
  readonly onEvent: EventSink;
  /** Shows what is still to be shown; called once, after the last event. */
  readonly end: () => void;
}

/** Where progress is written, line by line. */
export type Write = (text: string) => void;
