/** A gateway of which only the database matters: starts it, says so in one JSON line, and stops it on SIGTERM. */
import { startLocalPostgres } from "../../../gateway/local/postgres.ts";

const server = await startLocalPostgres({ dataDir: process.argv[2] ?? "", log: () => {}, settings: { shared_buffers: "16MB" } });
process.once("SIGTERM", () => server.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid, adopted: server.adopted })}\n`);
setInterval(() => {}, 60_000);
