/** The load generator, a process of its own. Light: Node's HTTP client on kept-alive connections, no SDK, no JSON parsing. */
import { Agent, request } from "node:http";
import { seeded } from "../support/manual-clock.ts";
import type { LoadJob, LoadResult } from "./load-job.ts";
import { percentile } from "./percentile.ts";

/** Amounts differ, so that sums that agree mean something. */
const LEAST_AMOUNT = 100;
const AMOUNTS = 9_973;
/** An answer that takes longer is counted as wrong. */
const PATIENCE_MS = 30_000;

process.on("message", (job: LoadJob) => {
  run(job).then((result) => process.send?.(result));
});
process.on("disconnect", () => process.exit(0));

async function run(job: LoadJob): Promise<LoadResult> {
  const { hostname, port } = new URL(job.url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const latencies: number[] = [];
  const late: number[] = [];
  const wrong: Record<string, number> = {};
  const totals = { answeredInTime: 0, succeeded: 0, amount: 0 };
  const beganAt = performance.now();
  const endsAt = beganAt + job.seconds * 1_000;
  const count = (what: string): void => {
    wrong[what] = (wrong[what] ?? 0) + 1;
  };
  let sent = 0;

  function charge(): Promise<void> {
    const n = sent++;
    const amount = LEAST_AMOUNT + (n % AMOUNTS);
    const body = JSON.stringify({
      amount,
      currency: "usd",
      reference: `${job.name}-${n}`,
      payment_method: { stripe: { customer: "cus_bench", payment_method: "pm_card_visa" }, type: "card", brand: "visa", country: "US" },
      metadata: { customer: "42" },
    });
    const headers = {
      Authorization: `Bearer ${job.apiKey}`,
      "Idempotency-Key": `${job.name}-${n}`,
      "Content-Type": "application/json",
      "Content-Length": body.length,
    };
    return new Promise((resolve) => {
      const sentAt = performance.now();
      const req = request({ hostname, port, path: "/v1/charges", method: "POST", agent, headers, timeout: PATIENCE_MS }, (res) => {
        let text = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => (text += chunk));
        res.on("end", () => {
          const now = performance.now();
          latencies.push(now - sentAt);
          if (now <= endsAt) totals.answeredInTime += 1;
          if (res.statusCode === 201 && text.includes('"status":"succeeded"') && text.includes(`"amount":${amount},`)) {
            totals.succeeded += 1;
            totals.amount += amount;
          } else count(`HTTP ${res.statusCode}: ${text.slice(0, 200)}`);
          resolve();
        });
      });
      req.on("timeout", () => req.destroy(new Error("timeout")));
      req.on("error", (error) => {
        count(error.message);
        resolve();
      });
      req.end(body);
    });
  }

  async function closedLoop(): Promise<void> {
    while (performance.now() < endsAt) await charge();
  }

  async function openLoop(ratePerS: number, random: () => number): Promise<void> {
    const open = new Set<Promise<void>>();
    for (let dueAt = beganAt; ; dueAt += (-Math.log(1 - random()) / ratePerS) * 1_000) {
      if (dueAt >= endsAt) break;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      late.push(performance.now() - dueAt);
      const one: Promise<void> = charge().then(() => void open.delete(one));
      open.add(one);
    }
    await Promise.all(open);
  }

  const { load } = job;
  if (load.kind === "closed") await Promise.all(Array.from({ length: load.concurrency }, closedLoop));
  else await openLoop(load.ratePerS, seeded(load.seed));
  agent.destroy();
  return { ...totals, wrong, latencies: Float64Array.from(latencies), sentLateMs: percentile(Float64Array.from(late), 0.99) };
}
