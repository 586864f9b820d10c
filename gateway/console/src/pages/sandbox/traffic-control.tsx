import { useSend } from "../../data/use-send.ts";
import { Switch } from "../../parts/filters.tsx";
import { Failure } from "../../parts/loaded.tsx";
import { clockTime, count } from "../../parts/words.ts";
import { setTraffic, type Traffic } from "./sandbox-data.ts";

const PACES = ["0", "2", "6", "12", "20"] as const;
type Pace = (typeof PACES)[number];

/** How many charges a second. They stop by themselves after ten minutes. */
export function TrafficControl({ traffic, onChange }: { traffic: Traffic; onChange: () => void }) {
  const { run, problem } = useSend();
  const now = traffic.running ? traffic.per_second : 0;
  // Another pace than these was set elsewhere: then none of them is chosen.
  const shown = PACES.find((pace) => Number(pace) === now) ?? null;
  const set = async (pace: Pace) => {
    await run(() => setTraffic(Number(pace)));
    onChange();
  };
  return (
    <div className="traffic">
      <span className="quiet">
        {now === 0 ? "" : `${count(now)} `}
        {now === 0 ? "Charges" : "charges"} a second{traffic.until === null ? "" : `, until ${clockTime(traffic.until)}`}
      </span>
      <Switch
        label="Charges a second"
        value={shown}
        options={PACES.map((value) => ({ value, text: value === "0" ? "Stop" : value }))}
        onChange={(pace) => void set(pace)}
      />
      {problem === null ? null : <Failure problem={problem} />}
    </div>
  );
}
