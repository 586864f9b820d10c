import type { Database } from "./database.ts";

/** This database, as its first gateway found it. */
export interface Installation {
  readonly id: string;
  readonly livemode: boolean;
}

/** Writes the installation at first use; afterwards reads it, whatever is given. */
export async function ensureInstallation(db: Database, first: Installation & { now: Date }): Promise<Installation> {
  await db.query({
    name: "insert_installation",
    text: "insert into installation (id, livemode, created_at) values ($1, $2, $3) on conflict do nothing",
    values: [first.id, first.livemode, first.now],
  });
  const rows = await db.query<{ id: string; livemode: boolean }>({
    name: "read_installation",
    text: "select id, livemode from installation",
  });
  const row = rows[0];
  if (!row) throw new Error("the table installation is empty after an insert");
  return row;
}

/** null: no gateway has used this database yet. */
export async function readInstallation(db: Pick<Database, "query">): Promise<(Installation & { readonly created_at: Date }) | null> {
  const rows = await db.query<Installation & { created_at: Date }>({
    name: "read_whole_installation",
    text: "select id, livemode, created_at from installation",
  });
  return rows[0] ?? null;
}

export interface ProviderAccount {
  readonly provider: string;
  readonly kind: string;
  readonly account: string;
  readonly livemode: boolean;
}

export interface KnownAccount extends ProviderAccount {
  /** Other ids that the account seen had, or has, in this database. */
  readonly others: readonly string[];
}

/** Records a provider's account at first use; answers what is recorded. */
export async function recordProviderAccount(db: Database, seen: ProviderAccount & { now: Date }): Promise<KnownAccount> {
  await db.query({
    name: "insert_provider_account",
    text: `insert into provider_accounts (provider, kind, account, livemode, first_used_at) values ($1, $2, $3, $4, $5)
      on conflict do nothing`,
    values: [seen.provider, seen.kind, seen.account, seen.livemode, seen.now],
  });
  const rows = await db.query<KnownAccount>({
    name: "read_provider_account",
    text: `select provider, kind, account, livemode,
        array(select o.provider from provider_accounts o where o.kind = $2 and o.account = $3 and o.provider <> $1 order by 1) as others
      from provider_accounts where provider = $1`,
    values: [seen.provider, seen.kind, seen.account],
  });
  const row = rows[0];
  if (!row) throw new Error(`no account of ${seen.provider} after an insert`);
  return row;
}

/** Why this database must not hold money, or null: what is acknowledged has to survive a crash (law 7). */
export async function durabilityFault(db: Database): Promise<string | null> {
  const rows = await db.query<{ fsync: string; synchronous_commit: string; full_page_writes: string }>({
    name: "durability",
    text: `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('full_page_writes') as full_page_writes`,
  });
  const off = Object.entries(rows[0] ?? {}).filter(([, value]) => value === "off");
  return off.length > 0
    ? `the database has ${off.map(([name]) => `${name} = off`).join(", ")}: a crash would lose acknowledged charges`
    : null;
}

/** The database's wall clock. */
export async function databaseNow(db: Database): Promise<Date> {
  const rows = await db.query<{ now: Date }>({ name: "database_now", text: "select clock_timestamp() as now" });
  return rows[0]?.now ?? new Date(Number.NaN);
}
