import { open, rm } from "node:fs/promises";
import { type Command, Option } from "commander";
import { CommandFailed, EXIT } from "./exit-code.ts";
import { addVerb, type Session, type Tool } from "./session.ts";
import { printable } from "./terminal.ts";
import { parseCount } from "./when.ts";
import { timeText } from "./words.ts";

interface KeyJson {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly created_at: string;
  readonly revoked_at: string | null;
}

interface CreateOptions {
  readonly name: string;
  readonly role: string;
  readonly save?: string;
}

interface ListOptions {
  readonly all?: true;
  readonly limit: number;
}

/** Keys of one listing, at most. */
const MAX_LISTED = 10_000;
const ROLES = ["billing", "finance", "ops", "admin"];

export function addKeys(tool: Tool, program: Command): void {
  const keys = program.command("keys").description("API keys: list, create, revoke (needs a key with the role admin)");
  addVerb<ListOptions>(tool, keys, {
    name: "list",
    summary: "the keys that are valid, newest first; never the keys themselves",
    roles: ["admin"],
    isDefault: true,
    shape: (command) =>
      command.option("--all", "the revoked ones as well").option("--limit <count>", "how many to read", parseCount(1, MAX_LISTED), 1_000),
    async run(session, { all, limit }) {
      const page = await session.gateway.list<KeyJson>("/v1/keys", {}, limit);
      const data = all ? page.data : page.data.filter(({ revoked_at }) => revoked_at === null);
      if (session.json) session.printJson({ ...page, data });
      else session.printTable(COLUMNS, data.map(row));
      session.noteMore(page, { limit, max: MAX_LISTED });
      return undefined;
    },
  });
  addVerb<CreateOptions>(tool, keys, {
    name: "create",
    summary: "make a key; it is told once, and only its hash is kept",
    roles: ["admin"],
    shape: (command) =>
      command
        .requiredOption("--name <text>", "who uses it: `billing core`, `ada`")
        .addOption(new Option("--role <role>", "what it may do").choices(ROLES).makeOptionMandatory())
        .option("--save <file>", "write the key into a new file (mode 0600) instead of showing it"),
    async run(session, options) {
      await create(session, options);
      return undefined;
    },
  });
  addVerb(tool, keys, {
    name: "revoke",
    summary: "end a key: on every gateway within 5 seconds",
    roles: ["admin"],
    shape: (command) => command.argument("<id>", "key_…, as `switchyard keys` shows it"),
    async run(session, _, [id]) {
      const key = await session.gateway.send<KeyJson>("DELETE", `/v1/keys/${encodeURIComponent(id as string)}`);
      if (session.json) session.printJson(key);
      else session.print(`${key.id} (${printable(key.name)}, ${key.role}) is revoked: no gateway takes it after 5 seconds.`);
      return undefined;
    },
  });
}

const COLUMNS = [{ head: "KEY" }, { head: "ROLE" }, { head: "STATE" }, { head: "CREATED (UTC)" }, { head: "NAME" }];

function row({ id, role, revoked_at, created_at, name }: KeyJson): string[] {
  return [id, role, revoked_at === null ? "valid" : `revoked ${timeText(revoked_at)}`, timeText(created_at), name];
}

async function create(session: Session, { name, role, save }: CreateOptions): Promise<void> {
  // Opened before the key is made: a key that cannot be kept would be lost.
  const file = save === undefined ? null : await newFile(save);
  try {
    const { key, ...made } = await session.gateway.send<KeyJson & { key: string }>("POST", "/v1/keys", { name, role });
    await file?.handle.writeFile(`${key}\n`);
    if (session.json) session.printJson(file ? { ...made, saved_to: save } : { ...made, key });
    else if (file) session.print(`${made.id} (${name}, ${role}) is made; the key is in ${save}.`);
    else session.print(`${made.id} (${name}, ${role}) is made. The key, told this once:\n\n  ${key}`);
  } catch (error) {
    await file?.remove();
    throw error;
  } finally {
    await file?.handle.close();
  }
}

async function newFile(path: string) {
  try {
    const handle = await open(path, "wx", 0o600);
    return { handle, remove: () => rm(path, { force: true }) };
  } catch (error) {
    const { code } = error as { code?: string };
    throw new CommandFailed(EXIT.usage, `--save ${path}: ${code === "EEXIST" ? "there is such a file already" : code}; no key was made`);
  }
}
