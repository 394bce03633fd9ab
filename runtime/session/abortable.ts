/** What a promise comes to, unless the signal ends first: then it rejects with the signal's reason. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    // A race with one promise for all would keep what every round came to, until the signal ends.
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * A stream of which nothing is waited for once the signal has ended: the next item is then the signal's reason, thrown. The
 * source is let go of, at once or when it gives what it was asked for.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal);
      isOver = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const letGo = isOver ? undefined : iterator.return?.();
    if (signal.aborted) letGo?.catch(nobodyListens);
    else await letGo;
  }
}

/** Who waited is gone; what the source says of its end is for nobody. */
function nobodyListens(): void {}
