import { StringDecoder } from 'node:string_decoder';
import type { BuildEvent, StatusUpdate, UnixNanos, Vertex, VertexLog, VertexStatus } from '../../runtime/event.ts';
import { bytes, seconds } from './units.ts';
import { printable, printableLine } from '../print/text.ts';
import { stepName } from './names.ts';
import type { Progress, Write } from './progress.ts';

/** How many lines of a failed step are shown once more at the end; as many as docker shows. */
const KEPT_LINES = 10;

/** A step that has been written to for this long gives way to others that have something to say. */
const TURN_MS = 5_000;

/** What happens within this time is written at once: a transfer that is over by then is one line, as docker has it. */
const GATHER_MS = 100;

interface Step {
  readonly number: number;
  name: string;
  /** Who delivers its logs: the same step of two targets comes from both. */
  readonly owner: string;
  vertex: Vertex;
  readonly decoder: StringDecoder;
  /** What was written of it: the header, and everything up to here. */
  announced: boolean;
  closed: boolean;
  /** What is still to be written: of its transfers what each came to last, warnings, lines of its log. */
  readonly due: Set<string>;
  readonly warnings: string[];
  readonly pending: string[];
  lineOpen: string;
  readonly rows: Map<
    string,
    { readonly status: VertexStatus; readonly shownAt: number; readonly shownCurrent: number }
  >;
  readonly tail: string[];
}

/**
 * Line by line, as docker's plain output: steps are numbered in the order in which they are first written, one speaks at
 * a time, `#N ...` where it gives way (moby/buildkit `util/progress/progressui/printer.go`). What steps write is passed on
 * as it is; their names, and what is said of them, cannot move the cursor.
 */
export function plainProgress(write: Write, clock: () => number = Date.now): Progress {
  const printer = new PlainPrinter(write, clock);
  return { onEvent: (event) => printer.onEvent(event), end: () => printer.end() };
}

class PlainPrinter {
  readonly #write: Write;
  readonly #clock: () => number;
  readonly #steps = new Map<string, Step>();
  readonly #warnings = new Set<string>();
  #several = false;
  #count = 0;
  #current: Step | undefined;
  #turnSince = 0;
  #gathering: NodeJS.Timeout | undefined;

  constructor(write: Write, clock: () => number) {
    this.#write = write;
    this.#clock = clock;
  }

  onEvent(event: BuildEvent): void {
    switch (event.type) {
      case 'builder-ready':
        this.#write(`#0 building with "${event.name}" instance using ${event.driver} driver\n`);
        break;
      case 'build-started':
        this.#several = event.targets.length > 1;
        break;
      case 'status':
        this.#take(event.target, event.update);
        this.#gathering ??= setTimeout(() => this.#speak(), GATHER_MS).unref();
        break;
      case 'target-finished':
        if (event.outcome.is === 'skipped') {
          this.#speak();
          this.#write(`\n[${event.target}] SKIPPED: target ${event.outcome.because} was not built\n`);
          this.#current = undefined;
        }
        break;
      case 'target-started':
      case 'build-finished':
        break;
    }
  }

  end(): void {
    clearTimeout(this.#gathering);
    for (const step of this.#steps.values()) this.#print(step, 'all');
    for (const step of this.#steps.values()) {
      if (step.vertex.error === '' || isCanceled(step.vertex.error)) continue;
      const logs = step.tail.map((line) => `${line}\n`).join('');
      this.#write(`------\n > ${step.name}:\n${logs}------\n`);
    }
    if (this.#warnings.size > 0) {
      const count = this.#warnings.size;
      this.#write(
        `\n ${count} warning${count === 1 ? '' : 's'} found:\n${[...this.#warnings].map((text) => ` - ${text}\n`).join('')}`,
      );
    }
  }

  #take(target: string, update: StatusUpdate): void {
    for (const vertex of update.vertexes) this.#takeVertex(target, vertex);
    for (const status of update.statuses) {
      const step = this.#steps.get(status.vertex);
      if (step === undefined) continue;
      const row = step.rows.get(status.id);
      if (row?.status.completed !== undefined) continue;
      const now = this.#clock();
      const moved = status.total > 0 ? (status.current - (row?.shownCurrent ?? 0)) / status.total : 0;
      const due = row === undefined || status.completed !== undefined || moved >= 0.05 || now - row.shownAt >= 5000;
      if (due) step.due.add(status.id);
      step.rows.set(status.id, {
        status,
        shownAt: due ? now : row.shownAt,
        shownCurrent: due ? status.current : row.shownCurrent,
      });
    }
    for (const log of update.logs) this.#takeLog(target, log);
    for (const warning of update.warnings) {
      const short = printable(warning.short);
      this.#warnings.add(short);
      this.#steps.get(warning.vertex)?.warnings.push(`WARN: ${short}`);
    }
  }

  #takeVertex(target: string, vertex: Vertex): void {
    const step = this.#steps.get(vertex.digest);
    if (step === undefined) {
      if (vertex.started === undefined) return;
      this.#steps.set(vertex.digest, {
        number: ++this.#count,
        name: printableLine(stepName(vertex.name, target, this.#several)),
        owner: target,
        vertex,
        decoder: new StringDecoder('utf8'),
        announced: false,
        closed: false,
        due: new Set(),
        warnings: [],
        pending: [],
        lineOpen: '',
        rows: new Map(),
        tail: [],
      });
      return;
    }
    if (vertex.started === undefined && step.vertex.started !== undefined) return;
    const again = vertex.started !== undefined && vertex.started !== step.vertex.started && step.closed;
    if (again && vertex.completed === undefined) step.closed = false;
    if (!again || vertex.error !== '') step.vertex = vertex;
    else step.vertex = { ...vertex, cached: vertex.cached };
  }

  #takeLog(target: string, log: VertexLog): void {
    const step = this.#steps.get(log.vertex);
    if (step === undefined || step.owner !== target) return;
    const lines = (step.lineOpen + step.decoder.write(log.data)).split('\n');
    step.lineOpen = lines.pop() ?? '';
    const at = elapsed(step.vertex.started, log.timestamp);
    for (const line of lines) {
      const text = `${at} ${line.replace(/\r$/, '')}`;
      step.pending.push(text);
      step.tail.push(text);
    }
    step.tail.splice(0, Math.max(0, step.tail.length - KEPT_LINES));
  }

  /** Lets the current step go on while it has something to say and its turn; then whoever waits longest. */
  #speak(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const now = this.#clock();
    const open = this.#current;
    if (open !== undefined) {
      this.#print(open, 'so far');
      const done = open.vertex.completed !== undefined;
      if (!done && now - this.#turnSince < TURN_MS) {
        this.#finishOthers(open);
        return;
      }
    }
    this.#finishOthers(undefined);
    for (const step of this.#steps.values()) {
      if (step.closed || step === this.#current || (step.announced && !hasNews(step))) continue;
      this.#print(step, 'so far');
      if (!step.closed) return;
    }
  }

  /** Steps that are over are written whole, wherever the turn is; the one that speaks is not interrupted by a waiting one. */
  #finishOthers(except: Step | undefined): void {
    for (const step of this.#steps.values()) {
      if (step !== except && !step.closed && step.vertex.completed !== undefined) this.#print(step, 'all');
    }
  }

  #print(step: Step, how: 'so far' | 'all'): void {
    const over = step.vertex.completed !== undefined;
    if (over && step.lineOpen !== '') {
      const text = `${elapsed(step.vertex.started, step.vertex.completed)} ${step.lineOpen}`;
      step.pending.push(text);
      step.tail.push(text);
      step.lineOpen = '';
    }
    if (step.closed && !hasNews(step)) return;
    if (step.announced && !hasNews(step) && !(over && !step.closed) && how === 'so far') return;
    if (how === 'all' && step.announced && !hasNews(step) && !over) return;
    if (this.#current !== step) {
      if (this.#current !== undefined && !this.#current.closed) this.#write(`#${this.#current.number} ...\n`);
      this.#write(`\n#${step.number} ${step.name}\n`);
      this.#current = step;
      this.#turnSince = this.#clock();
      step.announced = true;
    }
    for (const line of news(step)) this.#write(`#${step.number} ${line}\n`);
    if (!over || step.closed) return;
    this.#write(`#${step.number} ${ending(step.vertex)}\n`);
    step.closed = true;
  }
}

function hasNews({ due, warnings, pending }: Step): boolean {
  return due.size > 0 || warnings.length > 0 || pending.length > 0;
}

/** The lines that are still to be written, which then are none. */
function news({ due, rows, warnings, pending }: Step): readonly string[] {
  const transfers = [...due].flatMap((id) => {
    const row = rows.get(id);
    return row === undefined ? [] : [statusLine(row.status)];
  });
  due.clear();
  return [...transfers, ...warnings.splice(0), ...pending.splice(0)];
}

function ending({ error, cached, started, completed }: Vertex): string {
  if (error !== '') return isCanceled(error) ? 'CANCELED' : `ERROR: ${printable(error)}`;
  if (cached) return 'CACHED';
  return `DONE ${seconds(Number((completed ?? 0n) - (started ?? 0n)) / 1e9)}`;
}

function isCanceled(error: string): boolean {
  return error.endsWith('context canceled');
}

function statusLine(status: VertexStatus): string {
  const amount =
    status.total > 0
      ? ` ${bytes(status.current)} / ${bytes(status.total)}`
      : status.current > 0
        ? ` ${bytes(status.current)}`
        : '';
  const taken =
    status.started === undefined ? 0 : Number((status.completed ?? status.timestamp) - status.started) / 1e9;
  return `${printableLine(status.id)}${amount}${taken > 0.01 ? ` ${seconds(taken)}` : ''}${status.completed === undefined ? '' : ' done'}`;
}

function elapsed(started: UnixNanos | undefined, at: UnixNanos | undefined): string {
  const time = started === undefined || at === undefined ? 0 : Math.max(0, Number(at - started) / 1e9);
  return time.toFixed(time < 10 ? 3 : time < 100 ? 2 : 1);
}
