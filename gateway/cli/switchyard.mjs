#!/usr/bin/env node
// `npx switchyard`: begins on whatever Node the machine has, and goes on where every other script does.
process.argv.splice(2, 0, "switchyard");
await import("./launch.mjs");
