import { migrate } from "../../gateway/store/migrate.ts";
import { databaseUrl, run, SERVER_URL_VARIABLE, startOwnPostgres, TEMPLATE_DATABASE } from "./database.ts";

/** Once per test run, before the workers: one PostgreSQL, migrated once into a template that each test file clones. */
export default async function setup(): Promise<() => Promise<void>> {
  const server = await startOwnPostgres();
  try {
    await run(server.url, `create database ${TEMPLATE_DATABASE}`);
    await migrate(databaseUrl(server.url, TEMPLATE_DATABASE), () => {});
  } catch (error) {
    await server.stop();
    throw error;
  }
  // The workers are forked later and inherit it.
  process.env[SERVER_URL_VARIABLE] = server.url;
  return () => server.stop();
}
