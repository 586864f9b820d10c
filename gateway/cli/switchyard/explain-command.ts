import type { Command } from "commander";
import { CommandFailed, EXIT } from "./exit-code.ts";
import type { Page } from "./gateway-client.ts";
import type { ProviderJson } from "./provider-words.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseCount } from "./when.ts";
import { moneyText, percent, timeText } from "./words.ts";

interface DecisionJson {
  readonly strategy: string | null;
  readonly rule: string | null;
  readonly rules_version: number | null;
  readonly explored: boolean;
  readonly order: readonly string[];
  readonly reason: string;
  readonly candidates: readonly {
    readonly provider: string;
    readonly eligible: boolean;
    readonly unavailable: string | null;
    readonly propensity: number | null;
    readonly words: string;
  }[];
}

interface DecidedJson {
  readonly charge: string;
  readonly data: readonly {
    readonly attempt: string;
    readonly provider: string;
    readonly outcome: string | null;
    readonly started_at: string;
    readonly decision: DecisionJson | null;
  }[];
}

interface Options {
  readonly amount?: number;
  readonly currency?: string;
  readonly providers?: string;
  readonly type?: string;
  readonly brand?: string;
  readonly country?: string;
}

/** Minor units, as in the interface: 12 digits. */
const MAX_AMOUNT = 999_999_999_999;

export function addExplain(tool: Tool, program: Command): void {
  addVerb<Options>(tool, program, {
    name: "explain",
    summary: "why a charge went where it went; or where one would go now, without charging",
    roles: ["ops"],
    shape: (command) =>
      command
        .argument("[charge]", "the id of a charge that was made")
        .option("--amount <minor units>", "of a charge that might be: 4200 is 42.00 dollars", parseCount(1, MAX_AMOUNT))
        .option("--currency <code>", "usd, eur, …", (code: string) => code.toLowerCase())
        .option("--providers <ids>", "that it has tokens for, comma separated (default: all)")
        .option("--type <type>", "of the payment method (default: card)")
        .option("--brand <brand>", "visa, mastercard, …")
        .option("--country <code>", "of the card's issuer: US, DE, …", (code: string) => code.toUpperCase()),
    async run(session, options, [charge]) {
      const { amount, currency } = options;
      if (charge !== undefined && Object.values(options).length > shared(options)) throw wrong("a charge that was made needs no options");
      if (charge !== undefined) await past(session, charge as string);
      else if (amount === undefined || currency === undefined)
        throw wrong("name a charge, or give --amount and --currency of one that might be");
      else await future(session, { ...options, amount, currency });
      return undefined;
    },
  });
}

/** How many of the options are those that every command takes. */
function shared(options: object): number {
  return ["url", "keyFile", "json"].filter((name) => name in options).length;
}

function wrong(message: string): CommandFailed {
  return new CommandFailed(EXIT.usage, message);
}

async function past(session: Session, id: string): Promise<void> {
  const decided = await session.gateway.get<DecidedJson>(`/v1/routing/decisions/${encodeURIComponent(id)}`);
  if (session.json) return session.printJson(decided);
  if (decided.data.length === 0) session.print("No attempt was made: nothing was decided.");
  decided.data.forEach(({ provider, outcome, started_at, decision }, i) => {
    session.print(
      `${i > 0 ? "\n" : ""}${session.paint("bold", `Attempt ${i + 1}`)} at ${provider}, ${timeText(started_at)} UTC: ${outcome ?? "running"}`,
    );
    if (decision === null) session.print("  Why it went there was not recorded.");
    else tell(session, decision);
  });
}

async function future(session: Session, wanted: Options & { amount: number; currency: string }): Promise<void> {
  const { amount, currency, type, brand, country } = wanted;
  const all = async () => (await session.gateway.get<Page<ProviderJson>>("/v1/providers")).data.map(({ id }) => id);
  const providers = wanted.providers ? wanted.providers.split(",").map((id) => id.trim()) : await all();
  const payment_method = { providers, ...(type ? { type } : {}), ...(brand ? { brand } : {}), ...(country ? { country } : {}) };
  const decision = await session.gateway.send<DecisionJson>("POST", "/v1/routing/explain", { amount, currency, payment_method });
  if (session.json) return session.printJson(decision);
  const [first] = decision.order;
  session.print(
    `${moneyText(amount, currency)} would ${first ? `go to ${session.paint("bold", first)} now` : "go nowhere now: it would be deferred"}.`,
  );
  tell(session, decision);
}

function tell(session: Session, { reason, candidates, rule, rules_version, explored }: DecisionJson): void {
  session.print(`  ${printable(reason)}`);
  const more = [
    rule === null ? null : `rule ${rule} of version ${rules_version}`,
    explored ? "chosen to learn, not because it is best" : null,
  ].filter((one) => one !== null);
  if (more.length > 0) session.print(`  (${printable(more.join("; "))})`);
  session.print("");
  session.printTable(
    [{ head: "CANDIDATE" }, { head: "MAY BE TRIED" }, { head: "FIRST CHOICE", right: true }, { head: "WHY" }],
    candidates.map(({ provider, eligible, unavailable, propensity, words }) => [
      provider,
      eligible ? { text: "yes", style: "green" } : { text: `no, ${(unavailable ?? "never").replaceAll("_", " ")}`, style: "yellow" },
      percent(propensity),
      words,
    ]),
  );
}
