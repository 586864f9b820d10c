import { fileURLToPath } from "node:url";
import { launchNode, type NodeProcess } from "./node-process.ts";

const MAIN = fileURLToPath(new URL("../../gateway/main.ts", import.meta.url));
const READY = /Switchyard is ready on (http:\/\/\S+) /;

/** `node gateway/main.ts` as a process of its own. */
export interface Gateway extends NodeProcess {
  readonly url: string;
}

/** Resolves when it listens. Without a PATH it finds no redis-server to start by itself: it has the one that it is given, or none. */
export async function launchGateway(env: Readonly<Record<string, string>>): Promise<Gateway> {
  const gateway = await launchNode(MAIN, env, READY);
  return { ...gateway, url: gateway.ready[1]! };
}
