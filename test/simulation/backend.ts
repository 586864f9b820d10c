import { PGlite } from "@electric-sql/pglite";
import pg from "pg";

/** What a statement was prepared as: its name at the server, and how its columns are read. */
interface Prepared {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly read: Read }[];
}

type Read = (text: string) => unknown;
type Message = readonly [type: string, body: Buffer];

const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));

const EXECUTE = message("E", Buffer.from("\0\0\0\0\0"));
const SYNC = message("S", Buffer.alloc(0));

/**
 * PGlite spoken to as `pg` speaks to a server: each statement parsed once, then bound and executed in one exchange, and its values
 * read by the parsers of `pg`. A third of the time of PGlite's own `query`, which asks for types and transactions each time.
 */
export class Backend {
  readonly #pglite: PGlite;
  readonly #prepared = new Map<string, Prepared>();

  private constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  static async start(): Promise<Backend> {
    return new Backend(await PGlite.create());
  }

  /** Any number of statements without values. */
  async script(text: string): Promise<void> {
    await this.#pglite.exec(text);
  }

  /** Throws what `pg` throws. */
  query(text: string, values: readonly unknown[]): object[] {
    const { name, columns } = this.#prepared.get(text) ?? this.#prepare(text);
    const answer = this.#exchange(bind(name, values), EXECUTE, SYNC);
    return answer.flatMap(([type, body]) => (type === "D" ? [rowOf(body, columns)] : []));
  }

  close(): Promise<void> {
    return this.#pglite.close();
  }

  #prepare(text: string): Prepared {
    const name = `s${this.#prepared.size}`;
    const answer = this.#exchange(message("P", Buffer.from(`${name}\0${text}\0\0\0`)), message("D", Buffer.from(`S${name}\0`)), SYNC);
    const description = answer.find(([type]) => type === "T")?.[1];
    const prepared = { name, columns: description ? columnsOf(description) : [] };
    this.#prepared.set(text, prepared);
    return prepared;
  }

  #exchange(...messages: Buffer[]): Message[] {
    const answer = messagesOf(this.#pglite.execProtocolRawSync(Buffer.concat(messages)));
    const error = answer.find(([type]) => type === "E");
    if (error) throw errorOf(error[1]);
    return answer;
  }
}

/** As the server says it: https://www.postgresql.org/docs/current/protocol-error-fields.html */
export function databaseError(code: string, text: string, constraint?: string): pg.DatabaseError {
  const error = new pg.DatabaseError(text, text.length, "error");
  error.code = code;
  error.constraint = constraint;
  return error;
}

function errorOf(body: Buffer): pg.DatabaseError {
  const fields: Record<string, string> = {};
  for (const field of body.toString().split("\0")) if (field !== "") fields[field[0] as string] = field.slice(1);
  return databaseError(fields.C ?? "XX000", fields.M ?? "", fields.n);
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.write(type);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function bind(name: string, values: readonly unknown[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`\0${name}\0\0\0`), int16(values.length)];
  for (const value of values) {
    const text = textOf(value);
    if (text === null) parts.push(int32(-1));
    else {
      const bytes = Buffer.from(text);
      parts.push(int32(bytes.length), bytes);
    }
  }
  parts.push(int16(0));
  return message("B", Buffer.concat(parts));
}

function messagesOf(answer: Uint8Array): Message[] {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push([String.fromCharCode(bytes[at] as number), bytes.subarray(at + 5, end)]);
    at = end;
  }
  return messages;
}

/** A column: its name, then 18 bytes, of which 6 to 10 are its type. */
function columnsOf(body: Buffer): Prepared["columns"] {
  const columns: { name: string; read: Read }[] = [];
  for (let at = 2; at < body.length; ) {
    const end = body.indexOf(0, at);
    columns.push({ name: body.toString("utf8", at, end), read: types.getTypeParser(body.readInt32BE(end + 7), "text") as unknown as Read });
    at = end + 19;
  }
  return columns;
}

function rowOf(body: Buffer, columns: Prepared["columns"]): object {
  const row: Record<string, unknown> = {};
  let at = 2;
  for (const { name, read } of columns) {
    const length = body.readInt32BE(at);
    at += 4;
    row[name] = length < 0 ? null : read(body.toString("utf8", at, at + length));
    if (length > 0) at += length;
  }
  return row;
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(elementOf).join(",")}}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function elementOf(value: unknown): string {
  const text = textOf(value);
  return text === null ? "null" : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}
