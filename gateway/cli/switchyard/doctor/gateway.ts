import { CommandFailed, EXIT } from "../exit-code.ts";
import { type Page, reasonOf } from "../gateway-client.ts";
import { Refused } from "../problem-words.ts";
import type { ProviderJson } from "../provider-words.ts";
import type { Session } from "../session.ts";
import { listOf } from "../words.ts";
import { type Check, fault, ok, skipped, warning } from "./check.ts";

const TIMEOUT_MS = 5_000;

interface ReadyJson {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string | null }[];
}

/** The gateway that the other commands speak to, and the key that they use. */
export async function examineGateway(session: Session): Promise<Check[]> {
  const { url } = session.gateway;
  const readiness = await readyz(url);
  if ("state" in readiness) return [readiness];
  const failing = readiness.checks.filter((one) => !one.ok).map(({ name, detail }) => `${name} (${detail ?? "no detail"})`);
  const first = readiness.ready
    ? ok("gateway", `${url} can take charges`)
    : fault(
        "gateway",
        `${url} cannot take charges: ${listOf(failing)}`,
        "Mend what it names; its log says more. A load balancer keeps traffic away from it meanwhile.",
      );
  return [first, ...(await withKey(session))];
}

async function readyz(url: string): Promise<ReadyJson | Check> {
  try {
    const response = await fetch(`${url}/readyz`, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = (await response.json().catch(() => null)) as Partial<ReadyJson> | null;
    if (body && typeof body.ready === "boolean" && Array.isArray(body.checks)) return body as ReadyJson;
    return fault(
      "gateway",
      `${url} answers (${response.status}), but not as a Switchyard gateway does`,
      "Look at --url and SWITCHYARD_URL, and at what stands between.",
    );
  } catch (error) {
    return fault(
      "gateway",
      `${url} does not answer: ${reasonOf(error, TIMEOUT_MS)}`,
      "Start one (`npm start`), or name another with --url or SWITCHYARD_URL.",
    );
  }
}

async function withKey({ gateway }: Session): Promise<Check[]> {
  try {
    const { data } = await gateway.get<Page<ProviderJson>>("/v1/providers");
    return [ok("gateway.key", "it takes the API key"), health(data)];
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    if (!(error instanceof Refused) && error.code === EXIT.denied)
      return [skipped("gateway.key", `${error.message}: SWITCHYARD_API_KEY or --key-file brings one`)];
    // A billing key is as good as any other; the processors' health is none of its business.
    if (error instanceof Refused && error.problem.code === "forbidden")
      return [ok("gateway.key", "it takes the API key"), skipped("gateway.providers", "this key's role may not see them")];
    const found = `the API key does not serve: ${error.message}`;
    const mend = error.advice.join(" ") || "Look at SWITCHYARD_API_KEY.";
    return [error.code === EXIT.denied ? fault("gateway.key", found, mend) : warning("gateway.key", found, mend)];
  }
}

function health(providers: readonly ProviderJson[]): Check {
  const ill = providers
    .filter(({ health }) => health !== "up")
    .map(({ id, health, reason }) => `${id} is ${health}${reason === null ? "" : ` (${reason})`}`);
  if (ill.length === 0) return ok("gateway.providers", `it uses ${listOf(providers.map(({ id }) => id))}`);
  const mend = "`switchyard providers` says more. The others are used meanwhile; without any, charges are deferred.";
  const found = listOf(ill);
  const none = providers.every(({ health }) => health === "unavailable");
  return none ? fault("gateway.providers", `${found}: every charge is deferred`, mend) : warning("gateway.providers", found, mend);
}
