import type { Clock } from "../../../providers/contract/clock.ts";
import type { Env } from "../../config-readers.ts";

/** Where a stream of text goes: a terminal, a file, a pipe. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Columns of a terminal. */
  readonly columns?: number;
}

/** What a command touches of the world; `main.ts` gives the real ones. */
export interface Surroundings {
  readonly env: Env;
  readonly clock: Clock;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Absolute: the checkout. A DATA_DIR without a leading slash is below it, because that is where `npm start` runs. */
  readonly root: string;
  /** Bytes that an unprivileged process may still write where `path` is. */
  freeBytes(path: string): Promise<number>;
}
