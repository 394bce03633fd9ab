/**
 * News about one step of setting an engine up or taking it down. Steps are announced when they start, so a screen may
 * list them as they come; a later event about the same id replaces the earlier one.
 */
export interface StepEvent {
  /** A kebab-case word, stable over versions: `find-engine`, `install-packages`, `start-dockerd`. */
  readonly id: string;
  /** What is done, in the infinitive: `Install docker.io and its companions`. */
  readonly title: string;
  /** `skipped`: not needed or not possible here, `detail` says which; the set-up goes on. */
  readonly state: 'started' | 'running' | 'done' | 'skipped' | 'failed';
  /** What it is doing right now, what came out, or why not. One line. */
  readonly detail?: string;
}

/** Where steps are told. Called synchronously; must not throw. */
export type StepSink = (event: StepEvent) => void;

/** One step under way: its id and title are told with everything that is said about it. */
export class Step {
  readonly id: string;
  readonly title: string;
  readonly #report: StepSink;

  constructor(report: StepSink, { id, title }: { readonly id: string; readonly title: string }) {
    this.id = id;
    this.title = title;
    this.#report = report;
    this.#tell('started');
  }

  /** Says what it is doing right now. */
  running(detail: string): void {
    this.#tell('running', detail);
  }

  done(detail?: string): void {
    this.#tell('done', detail);
  }

  skipped(detail: string): void {
    this.#tell('skipped', detail);
  }

  failed(detail: string): void {
    this.#tell('failed', detail);
  }

  #tell(state: StepEvent['state'], detail?: string): void {
    this.#report({ id: this.id, title: this.title, state, ...(detail === undefined ? {} : { detail }) });
  }
}
