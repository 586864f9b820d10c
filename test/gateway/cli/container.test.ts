import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../../gateway/config.ts";

// No container engine is needed here: these tests hold the files against each other and against the settings.
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const read = (name: string) => readFile(join(ROOT, name), "utf8");

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: object;
  readonly ports?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const compose = parse(await read("compose.yaml"), { merge: true }) as Compose;
const dockerfile = await read("Dockerfile");

/** What compose makes of ${NAME:-default}, ${NAME-default} and ${NAME:?message}. */
function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)(?:(:?)([-?])([^}]*))?\}/g, (_, name: string, colon: string, kind: string, rest: string) => {
    const value = env[name];
    if (value !== undefined && !(colon === ":" && value === "")) return value;
    if (kind === "-") return rest;
    throw new Error(`${name}: ${rest}`);
  });
}

function gatewayEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const { environment = {} } = compose.services["gateway-1"]!;
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, interpolate(String(value), env)]));
}

const SECRETS = { POSTGRES_PASSWORD: "0123456789abcdef", ADMIN_KEY: "k".repeat(48) };

test("the image contains what the gateway runs, and nothing that the context leaves out", async () => {
  const allowed = (await read(".dockerignore"))
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(" "));
  expect(copied.length).toBeGreaterThan(0);
  for (const source of copied) {
    expect(existsSync(join(ROOT, source)), source).toBe(true);
    expect(allowed).toContain(source);
  }
  for (const needed of ["package.json", "migrations", "providers", "routing", "gateway"]) expect(copied).toContain(needed);
});

test("the image runs the pinned Node's major version, as an ordinary user, without a shell in between", async () => {
  const { devDependencies } = JSON.parse(await read("package.json")) as { devDependencies: { node: string } };
  const images = [...dockerfile.matchAll(/^FROM node:(\d+)-slim/gm)].map(([, major]) => major);
  expect(new Set(images)).toEqual(new Set([devDependencies.node.split(".")[0]]));
  expect(dockerfile).toContain("RUN npm ci --omit=dev\n");
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^HEALTHCHECK .*\n.*\/healthz/m);
  const entrypoint = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)![1]!) as string[];
  expect(entrypoint).toEqual(["node", "gateway/main.ts"]);
  expect(existsSync(join(ROOT, entrypoint[1]!))).toBe(true);
});

test("compose runs two gateways behind a proxy, with a database, Redis and simulated processors, all watched", () => {
  expect(Object.keys(compose.services).sort()).toEqual(["gateway-1", "gateway-2", "postgres", "proxy", "redis", "sandbox"]);
  expect(compose.services.postgres?.image).toBe("postgres:18");
  expect(compose.services.redis?.image).toBe("redis:7");
  for (const name of ["postgres", "redis", "sandbox", "proxy"]) expect(compose.services[name]?.healthcheck, name).toBeDefined();
  for (const { depends_on = {}, volumes = [], configs = [] } of Object.values(compose.services)) {
    for (const name of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(name);
    for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(":")[0]);
    for (const { source } of configs) expect(compose.configs[source]?.content).toContain("reverse_proxy gateway-1:8080 gateway-2:8080");
  }
  for (const port of Object.values(compose.services).flatMap(({ ports = [] }) => ports))
    expect(interpolate(port, {})).toMatch(/^127\.0\.0\.1:/);
  expect(existsSync(join(ROOT, compose.services.sandbox!.entrypoint![1]!))).toBe(true);
});

test("the gateways' settings are right with secrets alone, and with real processors", () => {
  const local = parseConfig({ HOST: "0.0.0.0", ...gatewayEnvironment(SECRETS) });
  expect(local).toMatchObject({ ok: true, config: { sandbox: null, livemode: false } });
  const live = {
    STRIPE_SECRET_KEY: "sk_live_1",
    STRIPE_API_BASE: "",
    PAYPAL_CLIENT_ID: "a",
    PAYPAL_CLIENT_SECRET: "b",
    PAYPAL_API_BASE: "",
  };
  expect(parseConfig(gatewayEnvironment({ ...SECRETS, ...live }))).toMatchObject({ ok: true, config: { livemode: true } });
  // A live key does not go to the simulated processor by an oversight.
  expect(parseConfig(gatewayEnvironment({ ...SECRETS, STRIPE_SECRET_KEY: "sk_live_1" })).ok).toBe(false);
});

test("no secret has a default", () => {
  expect(() => gatewayEnvironment({})).toThrow(/POSTGRES_PASSWORD/);
  expect(() => gatewayEnvironment({ POSTGRES_PASSWORD: "x" })).toThrow(/ADMIN_KEY/);
});
