import { StringDecoder } from 'node:string_decoder';
import type { StatusUpdate } from '../event.ts';

/** How many lines of a failed step are kept for its failure; as many as docker prints. */
const KEPT_LINES = 10;

interface LoggedStep {
  name: string;
  lines: readonly string[];
  /** What follows the last line break. */
  open: string;
  /** Made for the first output: most steps write nothing. */
  decoder: StringDecoder | undefined;
}

/** The last lines that unfinished and failed steps wrote, so that a failure can carry them. Bounded per step. */
export class StepLog {
  readonly #steps = new Map<string, LoggedStep>();
  #failed: string | undefined;

  record(update: StatusUpdate): void {
    for (const vertex of update.vertexes) {
      const step = this.#step(vertex.digest);
      step.name = vertex.name;
      if (vertex.error !== '' && !vertex.error.endsWith('context canceled')) this.#failed ??= vertex.digest;
      else if (vertex.completed !== undefined) this.#steps.delete(vertex.digest);
    }
    for (const log of update.logs) {
      const step = this.#step(log.vertex);
      step.decoder ??= new StringDecoder('utf8');
      const lines = (step.open + step.decoder.write(log.data)).split('\n');
      step.open = lines.pop() ?? '';
      step.lines = [...step.lines, ...lines.map((line) => line.replace(/\r$/, ''))].slice(-KEPT_LINES);
    }
  }

  /** The step of this digest, or the first that failed; undefined when neither has been seen. */
  step(digest: string | undefined): { readonly name: string; readonly logTail: readonly string[] } | undefined {
    const step = this.#steps.get(digest ?? this.#failed ?? '');
    if (!step || step.name === '') return undefined;
    return { name: step.name, logTail: [...step.lines, ...(step.open === '' ? [] : [step.open])].slice(-KEPT_LINES) };
  }

  #step(digest: string): LoggedStep {
    const known = this.#steps.get(digest);
    if (known) return known;
    const step: LoggedStep = { name: '', lines: [], open: '', decoder: undefined };
    this.#steps.set(digest, step);
    return step;
  }
}
