import { type Database, DatabaseAmbiguous, DatabaseUnavailable, type Statement } from "../../gateway/store/database.ts";
import { databaseError } from "./backend.ts";
import type { Coverage } from "./coverage.ts";
import type { Dice } from "./dice.ts";
import type { Machine } from "./machine.ts";
import type { Store } from "./store.ts";
import type { SqlFault, Weather } from "./weather.ts";
import type { World } from "./world.ts";

/** What the product gives up after; see gateway/store/database.ts. */
const QUERY_TIMEOUT_MS = 15_000;

/** What is due when, as the database has it: read once after each write, instead of by each of a worker's claims. */
export interface Due {
  readonly charges: number;
  readonly expiries: number;
  readonly looks: number;
  readonly operations: number;
  readonly deferred: number;
}

const DUE: Statement = {
  name: "simulation_due",
  text: `select
    (select min(greatest(next_action_at, coalesce(lease_until, next_action_at))) from charges where status <> 'deferred' and next_action_at is not null) as charges,
    (select min(greatest(defer_until, coalesce(lease_until, defer_until))) from charges where status = 'deferred' and next_action_at is not null) as expiries,
    (select min(greatest(next_action_at, coalesce(lease_until, next_action_at))) from charges where status = 'deferred' and next_action_at is not null) as deferred,
    (select min(next_look_at) from attempts where next_look_at is not null and not live) as looks,
    (select min(greatest(next_action_at, coalesce(lease_until, next_action_at))) from operations where next_action_at is not null) as operations`,
};

/** Claims that find nothing before that moment: most are answered without asking. */
const CLAIMS: Readonly<Record<string, keyof Due>> = {
  claim_due: "charges",
  claim_deferred: "deferred",
  claim_expired: "expiries",
  take_attempts_to_look_at: "looks",
  claim_operations: "operations",
  has_deferred: "deferred",
};

const ASKED_ALL_THE_SAME = 1 / 8;

/** Nothing that these read can make something due. */
const READS = new Set([
  "read_charge",
  "read_charge_by_key",
  "read_refund",
  "read_refund_by_key",
  "read_declines",
  "is_compensated",
  "list_overrides",
  "read_pace",
  "has_deferred",
  "insert_provider_account",
  "read_provider_account",
  "advance_pace",
]);

const LONGEST_NAME = 63;

/** Writes that return what they wrote. */
const TELLING = new Set(["accept_charges", "accept_refund", "write_transitions"]);

/** A statement's name may go on with the parts that it has: write_transitions. */
export function purposeOf(statement: Statement): string {
  return statement.name.split(" ", 1)[0] as string;
}

/** Told what the database did, in the order in which it did it. */
export interface SqlWatcher {
  applied(machine: Machine, statement: Statement, rows: readonly object[]): void;
}

/** The one database of a run: what happens at its own side of the wire. */
export class Server {
  readonly world: World;
  readonly weather: Weather;
  readonly coverage: Coverage;
  /** Called after a write: something may have become due. */
  onWrite: () => void = () => {};
  readonly #store: Store;
  readonly #watcher: SqlWatcher;
  readonly #dice: Dice;
  readonly #texts = new Map<string, string>();
  #due: Due | null = null;
  /** Written to since. */
  #stale = false;

  constructor(parts: { world: World; weather: Weather; coverage: Coverage; store: Store; watcher: SqlWatcher }) {
    this.world = parts.world;
    this.weather = parts.weather;
    this.coverage = parts.coverage;
    this.#store = parts.store;
    this.#watcher = parts.watcher;
    this.#dice = parts.world.dice("server");
  }

  async execute<R extends object>(machine: Machine, statement: Statement): Promise<R[]> {
    this.#checkName(statement);
    if (statement.name === "database_now") return [{ now: new Date(this.world.wall) }] as unknown as R[];
    const claim = CLAIMS[statement.name];
    if (claim && !(await this.#isWorthAsking(claim, (statement.values as readonly Date[])[0]!))) return [];
    const rows = await this.#store.query<R>(statement);
    // Claims of many come back in no particular order: in one that the seed decides.
    if (rows.length > 1 && claim) rows.sort((a, b) => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1));
    if (claim || TELLING.has(purposeOf(statement)) ? rows.length > 0 : !READS.has(statement.name)) {
      this.#stale = true;
      this.onWrite();
    }
    this.#watcher.applied(machine, statement, rows);
    return rows;
  }

  /** When nothing is due, now and then all the same: a claim that takes what is not due must not hide behind this. */
  async #isWorthAsking(claim: keyof Due, now: Date): Promise<boolean> {
    const due = this.#due ?? (await this.due());
    return due[claim] <= now.getTime() || this.#dice.chance(ASKED_ALL_THE_SAME);
  }

  /** A real connection keeps 63 bytes of a name, and refuses another text under it. */
  #checkName({ name, text }: Statement): void {
    const known = this.#texts.get(name) ?? text;
    this.#texts.set(name, known);
    if (known !== text || name.length > LONGEST_NAME) this.world.violate("no bugs", `no connection would take the statement ${name}`, []);
  }

  /** Exact. Claims use what it said last: what has become due since then wakes a worker again. */
  async due(): Promise<Due> {
    if (this.#due && !this.#stale) return this.#due;
    this.#stale = false;
    const [row] = await this.#store.query<Record<keyof Due, Date | null>>(DUE);
    const at = (name: keyof Due) => row?.[name]?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#due = {
      charges: at("charges"),
      expiries: at("expiries"),
      looks: at("looks"),
      operations: at("operations"),
      deferred: at("deferred"),
    };
    return this.#due;
  }
}

/** One machine's connections to it. */
export function connect(server: Server, machine: Machine, alter: (statement: Statement) => Statement): Database {
  const { world, weather, coverage } = server;
  const dice = world.dice(`sql ${machine.name}`);

  function query<R extends object>(plain: Statement): Promise<R[]> {
    const statement = alter(plain);
    const name = purposeOf(statement);
    const fault = weather.strikesSql();
    if (fault) coverage.fault(fault, `during ${name}`);
    return new Promise((resolve, reject) => {
      const fail = (ms: number, error: unknown): void => {
        world.after(ms, machine, `sql ${name}`, () => {
          world.tell(machine.name, `sql ${name} failed: ${fault}`);
          reject(error);
        });
      };
      const execute = (ms: number, answer: (rows: R[] | null, error: unknown) => void): void => {
        world.after(ms, null, `executes ${name}`, async () => {
          let rows: R[] | null = null;
          let error: unknown = null;
          try {
            rows = await server.execute<R>(machine, statement);
          } catch (thrown) {
            error = thrown;
          }
          answer(rows, error);
        });
      };
      const lost = () => new DatabaseAmbiguous(`connection lost during ${name}`);
      switch (fault as SqlFault | null) {
        case "unavailable":
          return fail(dice.between(1, 500), new DatabaseUnavailable("no database connection"));
        case "lost_before":
          return fail(dice.between(1, 500), lost());
        case "lost_after":
          return execute(dice.between(0.2, 3), () => fail(dice.between(1, 500), lost()));
        case "lost_late":
          fail(dice.between(1, 500), lost());
          return execute(dice.between(300, 8_000), () => {});
        case "conflict":
          return fail(dice.between(1, 20), databaseError(dice.pick(["40001", "40P01"]), "could not serialize"));
        default: {
          const slowMs = fault === "slow" ? dice.between(500, 25_000) : dice.between(0.2, 3);
          if (slowMs > QUERY_TIMEOUT_MS) fail(QUERY_TIMEOUT_MS, lost());
          return execute(slowMs, (rows, error) => {
            world.after(dice.between(0.1, 1.5), machine, `sql ${name} answered`, () => (rows ? resolve(rows) : reject(error)));
          });
        }
      }
    });
  }

  return {
    query,
    transaction: () => Promise.reject(new Error("the money core uses no transaction of several statements")),
    close: () => Promise.resolve(),
  };
}
