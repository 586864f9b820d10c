import { expect, it } from "vitest";
import { GONE_MS, HEARTBEAT_MS, heard, livingInstances, MAX_INSTANCES, type Presence } from "../../routing/presence.ts";

const EMPTY: Presence = {};

it("counts who was heard lately, and whoever asks", () => {
  expect(livingInstances(EMPTY, 0)).toBe(1);
  const two = heard(heard(EMPTY, { at: 0, by: "gw-1" }), { at: 10, by: "gw-2" });
  expect(livingInstances(two, 10)).toBe(2);
  expect(livingInstances(heard(two, { at: 20, by: "gw-1" }), 20)).toBe(2);
});

it("forgets an instance that missed three heartbeats", () => {
  expect(GONE_MS).toBe(3 * HEARTBEAT_MS);
  const two = heard(heard(EMPTY, { at: 0, by: "gw-1" }), { at: GONE_MS - 1, by: "gw-2" });
  expect(livingInstances(two, GONE_MS - 1)).toBe(2);
  expect(livingInstances(two, GONE_MS)).toBe(1);
  expect(heard(two, { at: GONE_MS, by: "gw-2" })).toEqual({ "gw-2": GONE_MS });
});

it("stays small however many instances come and go", () => {
  let presence = EMPTY;
  for (let n = 0; n < 500; n++) presence = heard(presence, { at: n * HEARTBEAT_MS, by: `gw-${n}` });
  expect(Object.keys(presence)).toHaveLength(3);
});

it("keeps the ones heard last where more start in a moment than it holds", () => {
  let presence = EMPTY;
  for (let n = 0; n < 320; n++) presence = heard(presence, { at: n, by: `gw-${n}` });
  expect(Object.keys(presence)).toHaveLength(MAX_INSTANCES);
  expect(Object.values(presence).sort((a, b) => a - b)[0]).toBe(320 - MAX_INSTANCES);
  expect(livingInstances(heard(presence, { at: 400, by: "gw-319" }), 400)).toBe(MAX_INSTANCES);
});
