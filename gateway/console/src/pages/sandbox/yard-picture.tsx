import { useEffect, useRef } from "react";
import type { Provider } from "../../data/providers.ts";
import { count, providerName } from "../../parts/words.ts";
import type { Charge } from "../charges/charge.ts";
import { travel } from "./travel.ts";

const WIDTH = 600;
const LANE = 96;
const TOP = 52;
const SWITCH_X = 176;
const END_X = 404;

/** The tracks: every charge that comes in runs to who collects it, or into the queue. */
export function YardPicture({
  log,
  providers,
  broken,
  waiting,
  doubts,
}: {
  log: readonly Charge[];
  providers: readonly Provider[];
  /** Those that were broken by hand. */
  broken: ReadonlySet<string>;
  waiting: number;
  doubts: number;
}) {
  const dots = useRef<SVGGElement>(null);
  /** The newest charge that was drawn. */
  const drawn = useRef<string | null>(null);
  const ids = providers.map(({ id }) => id);
  const key = ids.join();
  const height = TOP + LANE * ids.length + 44;
  const middle = TOP + (LANE * ids.length) / 2;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for `ids`, which is made anew each time
  useEffect(() => {
    const layer = dots.current;
    const before = drawn.current;
    drawn.current = log[0]?.id ?? before;
    // What was there when the page opened has arrived long ago.
    if (layer === null || before === null) return;
    const fresh = log.filter(({ id }) => id > before).reverse();
    for (const [index, charge] of fresh.entries()) {
      travel(layer, trackOf(charge, ids, middle), toneOf(charge, ids), (index / fresh.length) * SPREAD_MS);
    }
  }, [log, key, middle]);

  return (
    <svg
      className="yard"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label="Charges run from the left over a switch to the processors, and into the queue when no processor can be used."
    >
      <path className="track track-in" d={`M 20 ${middle} H ${SWITCH_X}`} />
      {providers.map((provider, index) => (
        <path
          key={provider.id}
          className={`track ${provider.health === "up" ? "" : `track-${provider.health}`}`}
          d={trackTo(laneY(index), middle)}
        />
      ))}
      <path className={waiting > 0 ? "track track-queue-used" : "track track-queue"} d={trackTo(laneY(ids.length), middle)} />
      <g ref={dots} />
      <circle className="switch-point" cx={SWITCH_X} cy={middle} r="9" />
      <text x="20" y={middle - 18} className="yard-name">
        Charges
      </text>
      {providers.map((provider, index) => (
        <Station key={provider.id} provider={provider} index={index} broken={broken.has(provider.id)} />
      ))}
      <g transform={`translate(${END_X} ${laneY(ids.length)})`}>
        <rect className={waiting > 0 ? "station station-queue" : "station"} y="-24" width="186" height="48" rx="9" />
        <text x="14" y="-3" className="yard-name">
          Queue
        </text>
        <text x="14" y="14" className="yard-note">
          {waiting === 0 ? "empty" : `${count(waiting)} wait`}
          {doubts === 0 ? "" : `, ${count(doubts)} in doubt`}
        </text>
      </g>
    </svg>
  );
}

/** New charges come once a second, all at once; they are let in one after the other. */
const SPREAD_MS = 900;

function Station({ provider, index, broken }: { provider: Provider; index: number; broken: boolean }) {
  return (
    <g transform={`translate(${END_X} ${laneY(index)})`}>
      <rect className={`station station-series-${(index % 6) + 1} station-${provider.health}`} y="-24" width="186" height="48" rx="9" />
      <text x="14" y="-3" className="yard-name">
        {providerName(provider.id)}
      </text>
      <text x="14" y="14" className="yard-note">
        {stationWords(provider, broken)}
      </text>
    </g>
  );
}

function stationWords({ health, override, breaker }: Provider, broken: boolean): string {
  if (override !== null && (override.mode === "down" || override.mode === "drain")) return "taken out by hand";
  if (health === "testing") return "a few charges test it";
  if (health === "unavailable") return breaker.state === "open" ? "breaker open" : "not used";
  if (breaker.weight < 1) return "coming back gently";
  return broken ? "broken, not noticed yet" : "works";
}

function laneY(index: number): number {
  return TOP + LANE * index;
}

function trackTo(y: number, middle: number): string {
  return `M ${SWITCH_X} ${middle} C ${SWITCH_X + 110} ${middle}, ${SWITCH_X + 90} ${y}, ${SWITCH_X + 170} ${y} H ${END_X}`;
}

/** In over the switch to each processor that was tried, back from those that failed, and to where the charge is now. */
function trackOf({ attempts, status }: Charge, ids: readonly string[], middle: number): string {
  const lanes = attempts.map(({ provider }) => ids.indexOf(provider)).filter((lane) => lane >= 0);
  if (status === "deferred" || lanes.length === 0) lanes.push(ids.length);
  const last = lanes.at(-1) as number;
  const failed = lanes.slice(0, -1).map((lane) => {
    const y = laneY(lane);
    const turn = SWITCH_X + 180;
    return `C ${SWITCH_X + 110} ${middle}, ${SWITCH_X + 90} ${y}, ${turn} ${y} C ${SWITCH_X + 90} ${y}, ${SWITCH_X + 110} ${middle}, ${SWITCH_X} ${middle}`;
  });
  const y = laneY(last);
  return `M 20 ${middle} H ${SWITCH_X} ${failed.join(" ")} C ${SWITCH_X + 110} ${middle}, ${SWITCH_X + 90} ${y}, ${SWITCH_X + 170} ${y} H ${END_X}`;
}

function toneOf(charge: Charge, ids: readonly string[]): string {
  switch (charge.status) {
    case "succeeded":
      return `dot-${(Math.max(0, ids.indexOf(charge.provider ?? "")) % 6) + 1}`;
    case "deferred":
      return "dot-waits";
    case "failed":
      return "dot-failed";
    default:
      return "dot-doubt";
  }
}
