import { hash } from "node:crypto";
import type { Database } from "./database.ts";

// Keys carry 256 random bits, so a fast hash keeps them safe at rest: there is nothing to guess.
// Invariants: key_hash is unique; a revoked key stays, with its time, for the trail; every change writes its event.

export type KeyRole = "billing" | "finance" | "ops" | "admin";

export interface ApiKey {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly role: KeyRole;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

interface KeyRow {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly role: KeyRole;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
}

type Reader = Pick<Database, "query">;

const COLUMNS = "id, account_id, name, role, created_at, revoked_at";

export function hashKey(key: string): Buffer {
  return hash("sha256", key, "buffer");
}

/** The key that has this hash, unless it was revoked. */
export async function findKey(db: Reader, hash: Buffer): Promise<ApiKey | null> {
  const rows = await db.query<KeyRow>({
    name: "find_key",
    text: `select ${COLUMNS} from api_keys where key_hash = $1 and revoked_at is null`,
    values: [hash],
  });
  return rows[0] ? rowToKey(rows[0]) : null;
}

export interface NewKey {
  readonly accountId: string;
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** The key itself; only its hash is kept. */
  readonly key: string;
  readonly actor: string;
  readonly now: Date;
}

export async function insertKey(db: Reader, key: NewKey): Promise<ApiKey> {
  const rows = await db.query<KeyRow>({
    name: "insert_key",
    text: `with made as (
        insert into api_keys (id, account_id, name, role, key_hash, created_at) values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $6, account_id, 'key.created', $7, jsonb_build_object('key_id', id, 'name', name, 'role', role) from made
      )
      select * from made`,
    values: [key.id, key.accountId, key.name, key.role, hashKey(key.key), key.now, key.actor],
  });
  return rowToKey(rows[0] as KeyRow);
}

/**
 * Makes sure that a given key works under this id: for the ready-made keys of a local start. A key that is there already
 * stays as it is, also if it was revoked; another key under the same id takes its place.
 */
export async function ensureKey(db: Reader, key: NewKey): Promise<void> {
  await db.query({
    name: "ensure_key",
    text: `with made as (
        insert into api_keys as k (id, account_id, name, role, key_hash, created_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (id) do update set key_hash = excluded.key_hash, name = excluded.name, role = excluded.role,
          created_at = excluded.created_at, revoked_at = null
        where k.account_id = excluded.account_id and k.key_hash <> excluded.key_hash
        returning ${COLUMNS}
      )
      insert into events (at, account_id, type, actor, data)
      select $6, account_id, 'key.created', $7, jsonb_build_object('key_id', id, 'name', name, 'role', role) from made`,
    values: [key.id, key.accountId, key.name, key.role, hashKey(key.key), key.now, key.actor],
  });
}

/** Newest first, revoked ones too. */
export async function listKeys(db: Reader, by: { accountId: string; after: string | null; limit: number }): Promise<ApiKey[]> {
  const rows = await db.query<KeyRow>({
    name: "list_keys",
    text: `select ${COLUMNS} from api_keys where account_id = $1 and ($2::text is null or id < $2) order by id desc limit $3`,
    values: [by.accountId, by.after, by.limit],
  });
  return rows.map(rowToKey);
}

/**
 * Revokes a key; once revoked it stays as it is. `keepOne`: not the account's last admin key. The admin keys are locked
 * in order, so that two of them cannot revoke each other at the same moment.
 */
export async function revokeKey(
  db: Reader,
  by: { accountId: string; id: string; actor: string; now: Date; keepOne: boolean },
): Promise<ApiKey | "not_found" | "last_admin_key"> {
  const rows = await db.query<KeyRow>({
    name: "revoke_key",
    text: `with admins as materialized (
        select id from api_keys where account_id = $1 and role = 'admin' and revoked_at is null order by id for update
      ), revoked as (
        update api_keys set revoked_at = $4
        where account_id = $1 and id = $2 and revoked_at is null
          and (not $5 or role <> 'admin' or (select count(*) from admins) > 1)
        returning ${COLUMNS}
      ), told as (
        insert into events (at, account_id, type, actor, data)
        select $4, account_id, 'key.revoked', $3, jsonb_build_object('key_id', id, 'name', name, 'role', role) from revoked
      )
      select k.id, k.account_id, k.name, k.role, k.created_at, coalesce(r.revoked_at, k.revoked_at) as revoked_at
      from api_keys k left join revoked r on r.id = k.id
      where k.account_id = $1 and k.id = $2`,
    values: [by.accountId, by.id, by.actor, by.now, by.keepOne],
  });
  const row = rows[0];
  if (row === undefined) return "not_found";
  if (row.revoked_at !== null) return rowToKey(row);
  // It waited for another who revoked the same key: what that one wrote is not in this statement's snapshot.
  const again = await db.query<KeyRow>({ name: "read_key", text: `select ${COLUMNS} from api_keys where id = $1`, values: [by.id] });
  return again[0]?.revoked_at ? rowToKey(again[0]) : "last_admin_key";
}

function rowToKey(row: KeyRow): ApiKey {
  return { id: row.id, accountId: row.account_id, name: row.name, role: row.role, createdAt: row.created_at, revokedAt: row.revoked_at };
}
