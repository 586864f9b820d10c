import type { Journal } from "./journal.ts";

/** All state of the sandbox, by table name. */
export class Tables {
  readonly #journal: Journal | null;
  readonly #tables = new Map<string, Table<unknown>>();

  constructor(journal: Journal | null) {
    this.#journal = journal;
  }

  /** `done` says which rows are dropped first when the table is full. */
  create<Row>(name: string, maxRows: number, done: (row: Row) => boolean = () => true): Table<Row> {
    const table = new Table<Row>(name, maxRows, done, this.#journal);
    this.#tables.set(name, table as Table<unknown>);
    return table;
  }

  restore(name: string, key: string, row: unknown): void {
    this.#tables.get(name)?.restore(key, row);
  }

  *rows(): Iterable<[name: string, key: string, row: unknown]> {
    for (const [name, table] of this.#tables) for (const [key, row] of table.entries()) yield [name, key, row];
  }

  clear(): void {
    for (const table of this.#tables.values()) table.clear();
  }
}

const SLACK = 1 / 32; // above the bound before rows are dropped

/** A bounded map whose changes go to the journal. A row changed in place is put again. */
export class Table<Row> {
  readonly #name: string;
  readonly #maxRows: number;
  readonly #done: (row: Row) => boolean;
  readonly #journal: Journal | null;
  readonly #rows = new Map<string, Row>();

  constructor(name: string, maxRows: number, done: (row: Row) => boolean, journal: Journal | null) {
    this.#name = name;
    this.#maxRows = maxRows;
    this.#done = done;
    this.#journal = journal;
  }

  get(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  put(key: string, row: Row): void {
    this.#rows.set(key, row);
    this.#journal?.append(this.#name, key, row);
    this.#trim();
  }

  delete(key: string): void {
    if (this.#rows.delete(key)) this.#journal?.append(this.#name, key, null);
  }

  values(): Iterable<Row> {
    return this.#rows.values();
  }

  entries(): Iterable<[string, Row]> {
    return this.#rows.entries();
  }

  clear(): void {
    this.#rows.clear();
  }

  /** What the journal held; null is a deleted row. */
  restore(key: string, row: unknown): void {
    if (row === null) this.#rows.delete(key);
    else this.#rows.set(key, row as Row);
    this.#trim();
  }

  /**
   * Drops the oldest finished rows, then the oldest. Only when the table is well above its bound: a Map that loses its
   * first entry again and again has to step over all the holes to find the next one.
   */
  #trim(): void {
    if (this.#rows.size <= this.#maxRows * (1 + SLACK)) return;
    for (const [key, row] of this.#rows) {
      if (this.#rows.size <= this.#maxRows) return;
      if (this.#done(row)) this.#rows.delete(key);
    }
    for (const key of this.#rows.keys()) {
      if (this.#rows.size <= this.#maxRows) return;
      this.#rows.delete(key);
    }
  }
}
