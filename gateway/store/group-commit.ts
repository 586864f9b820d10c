import { DatabaseUnavailable, isDefinite, sqlState } from "./database.ts";

/** More would make one statement slow for everybody in it. */
const MAX_BATCH = 64;
/** Beyond it the database is far behind: callers are told to come again instead of waiting longer than their budget. */
const MAX_QUEUED = 4_096;
/** Serialization failures and deadlocks of one batch before its rows are tried alone. */
const MAX_CONFLICTS = 5;

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Transitions that arrive together share one statement and one commit. While a statement runs, the next batch gathers;
 * an idle lane flushes at once, so a lone transition waits for nobody. What makes it safe:
 *   a definite error rolled the batch back: each row is tried alone, so one bad row harms no other;
 *   an ambiguous commit is ambiguous for every row of the batch, and nothing is retried.
 * `flush` answers in the order of its inputs. Two lanes: one batch is parsed while the other one's commit is on its way to the disk.
 */
export function groupCommit<Input, Output>(
  flush: (inputs: readonly Input[]) => Promise<Output[]>,
  lanes = 2,
): (input: Input) => Promise<Output> {
  const queue: Waiting<Input, Output>[] = [];
  let running = 0;

  async function commit(batch: readonly Waiting<Input, Output>[], conflicts = 0): Promise<void> {
    try {
      const outputs = await flush(batch.map((waiting) => waiting.input));
      batch.forEach((waiting, i) => {
        waiting.resolve(outputs[i] as Output);
      });
    } catch (error) {
      const state = sqlState(error);
      if ((state === "40001" || state === "40P01") && conflicts < MAX_CONFLICTS) return commit(batch, conflicts + 1);
      if (batch.length > 1 && isDefinite(error)) {
        for (const waiting of batch) await commit([waiting]);
        return;
      }
      for (const waiting of batch) waiting.reject(error);
    }
  }

  function pump(): void {
    while (running < lanes && queue.length > 0) {
      running += 1;
      void commit(queue.splice(0, MAX_BATCH)).finally(() => {
        running -= 1;
        pump();
      });
    }
  }

  return (input) =>
    new Promise((resolve, reject) => {
      if (queue.length >= MAX_QUEUED) return reject(new DatabaseUnavailable("too many transitions are waiting for the database"));
      queue.push({ input, resolve, reject });
      // Everything that arrives in this turn of the event loop goes together.
      if (running < lanes) setImmediate(pump);
    });
}
