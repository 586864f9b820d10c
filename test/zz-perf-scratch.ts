import { startOwnPostgres } from "./support/postgres.ts";
import { migrate } from "../gateway/store/migrate.ts";
import { openDatabase } from "../gateway/store/database.ts";
import { sealEvents } from "../gateway/store/seal-events.ts";
import { verifyChain } from "../gateway/store/verify-chain.ts";
import { readStats } from "../gateway/store/stats.ts";
import { listSealed } from "../gateway/store/list-trail.ts";
import { UNSEALED_EVENTS } from "../gateway/store/count-events.ts";
import pg from "pg";
const s = await startOwnPostgres();
await migrate(s.url, () => {});
const db = openDatabase({ url: s.url, maxConnections: 4, onIdleError: () => {} });
const c = new pg.Client({ connectionString: s.url }); await c.connect();
const N = 600_000;
console.time("insert");
for (let i = 0; i < N / 100; i++) await c.query(`insert into events (at, account_id, type, actor, charge_id, attempt_id, provider, amount, currency, from_status, to_status, outcome, latency_ms)
 select timestamptz '2026-01-01' + (${i} * 100 + n) * interval '1 second', 'acct_default', case when n % 2 = 0 then 'attempt.started' else 'charge.succeeded' end, 'system:engine', 'ch_' || (${i} * 100 + n) / 2, 'at_x', case when n % 3 = 0 then 'paypal' else 'stripe' end, 4200, 'usd', case when n % 2 = 1 then 'processing' end, case when n % 2 = 1 then 'succeeded' else 'processing' end, case when n % 2 = 1 then 'approved' end, 200 from generate_series(1, 100) n`);
console.timeEnd("insert");
await c.query("analyze events");
console.time("seal"); let rounds = 0, t0 = performance.now(), worst = 0;
for (;;) { const t = performance.now(); const r = await sealEvents(db, new Date()); worst = Math.max(worst, performance.now() - t); rounds++; if (!r.more) break; }
console.timeEnd("seal"); console.log({ rounds, perS: Math.round(N / ((performance.now() - t0) / 1000)), worst });
await c.query("analyze"); 
const ex = async (label: string, text: string, values: unknown[] = []) => { const { rows } = await c.query(`explain (analyze, buffers off, timing off, summary on) ${text}`, values); console.log(`--- ${label}\n` + rows.map((r) => r["QUERY PLAN"]).join("\n")); };
await c.query("begin"); await c.query("select pg_current_xact_id()");
const d = new pg.Client({ connectionString: s.url }); await d.connect();
for (let i = 0; i < 500; i++) await d.query("insert into events (at, account_id, type, actor, charge_id, provider, amount, currency) values (now(), 'acct_default', 'attempt.started', 'x', 'ch_x', 'stripe', 1, 'usd')");
await ex("tail 500", `select count(*) from ${UNSEALED_EVENTS} e`);
await sealEvents(db, new Date());
await ex("tail 0", `select count(*) from ${UNSEALED_EVENTS} e`);
for (let i = 0; i < 5; i++) { const t = performance.now(); await sealEvents(db, new Date()); if (i == 4) console.log("idle probe ms", performance.now() - t); }
for (const interval of [null, "day", "hour"] as const) { const t = performance.now(); const r = await readStats(db, { accountId: "acct_default", from: new Date("2026-01-01"), to: new Date("2027-01-01"), interval, byProvider: true, byCurrency: true, maxRows: 10080 }); console.log("stats", interval, r.length, "rows", (performance.now() - t).toFixed(0), "ms"); }
{ const t = performance.now(); const r = await verifyChain(db); console.log("verify all", r.broken, r.to, (performance.now() - t).toFixed(0), "ms"); }
{ const t = performance.now(); const r = await verifyChain(db, { from: 400_000n, limit: 100_000 }); console.log("verify 100k", r.broken, (performance.now() - t).toFixed(0), "ms"); }
const f = { accountId: "acct_default", charge: null, actor: null, type: null, from: null, to: null };
for (const [l, x, p] of [["newest", {}, {}], ["rare actor", { actor: "nobody" }, {}], ["charge", { charge: "ch_400" }, {}], ["from asc", { from: new Date("2026-01-05") }, { order: "asc" }]] as const) { for (let i = 0; i < 2; i++) { const t = performance.now(); const r = await listSealed(db, { ...f, ...x }, { after: null, order: "desc", limit: 20, ...p }); if (i) console.log("audit", l, r.rows.length, r.next, (performance.now() - t).toFixed(1), "ms"); } }
await c.end(); await d.end(); await db.close(); await s.stop();
