import type { Database } from "./database.ts";
import { MIGRATIONS_TABLE } from "./migrate.ts";

type Reader = Pick<Database, "query">;

/** What a person who looks after the server wants to know of it. */
export interface ServerFacts {
  /** 180004 is 18.4. */
  readonly version: number;
  /** A standby: nothing can be written there. */
  readonly standby: boolean;
  readonly readOnly: boolean;
  /** For this user: those of superusers are not counted. */
  readonly maxConnections: number;
  readonly connections: number;
  /** This user may create tables, which the first start and each upgrade do. */
  readonly mayCreate: boolean;
  /** Of a standby that has replayed anything: since when it has nothing newer; null elsewhere. */
  readonly replayedAt: Date | null;
}

export async function readServerFacts(db: Reader): Promise<ServerFacts> {
  const rows = await db.query<ServerFacts>({
    name: "read_server_facts",
    text: `select current_setting('server_version_num')::integer as version, pg_is_in_recovery() as standby,
      current_setting('default_transaction_read_only') = 'on' as "readOnly",
      current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as "maxConnections",
      (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as connections,
      has_schema_privilege('public', 'create') as "mayCreate", pg_last_xact_replay_timestamp() as "replayedAt"`,
  });
  return rows[0] as ServerFacts;
}

/** The names of the migrations that ran, oldest first; null: none ever did, the database is empty. */
export async function readMigrations(db: Reader): Promise<string[] | null> {
  const found = await db.query<{ there: boolean }>({
    name: "are_there_migrations",
    text: "select to_regclass($1) is not null as there",
    values: [MIGRATIONS_TABLE],
  });
  if (!found[0]?.there) return null;
  const rows = await db.query<{ name: string }>({ name: "read_migrations", text: `select name from ${MIGRATIONS_TABLE} order by id` });
  return rows.map(({ name }) => name);
}

/** The processor accounts that this database belongs to. */
export async function readProviderAccounts(
  db: Reader,
): Promise<{ readonly provider: string; readonly kind: string; readonly account: string }[]> {
  return db.query({ name: "read_provider_accounts", text: "select provider, kind, account from provider_accounts order by provider" });
}
