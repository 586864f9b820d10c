import type { Provider } from "../../data/providers.ts";
import { countOf, type Queue } from "../../data/queue.ts";
import { useProviders } from "../../data/use-providers.ts";
import { useQueue } from "../../data/use-queue.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Stat, Stats } from "../../parts/stat.tsx";
import { count, moneys, share } from "../../parts/words.ts";
import { PageHead } from "../../shell/page-head.tsx";
import type { Charge } from "../charges/charge.ts";
import { endOf, savedByFailover, useChargeLog } from "./charge-log.ts";
import { Feed } from "./feed.tsx";
import { LiveChart } from "./live-chart.tsx";
import { ProcessorCard } from "./processor-card.tsx";
import { type Sandbox, useSandbox } from "./sandbox-data.ts";
import { Story } from "./story.tsx";
import { TrafficControl } from "./traffic-control.tsx";
import { YardPicture } from "./yard-picture.tsx";
import { yardWords } from "./yard-words.ts";
import "./sandbox.css";

/** Break the simulated processors and watch the router answer. */
export default function SandboxPage() {
  const sandbox = useSandbox();
  const providers = useProviders();
  const queue = useQueue();
  const log = useChargeLog();
  const changed = () => {
    sandbox.reload();
    providers.reload();
  };
  return (
    <>
      <PageHead
        title="Sandbox"
        note="Simulated processors and test money. Break them, and see where the charges go."
        actions={sandbox.data === null ? null : <TrafficControl traffic={sandbox.data.traffic} onChange={changed} />}
      />
      <Loaded from={sandbox} what="the sandbox">
        {(now) => (
          <Loaded from={providers} what="the processors">
            {({ data }) => (
              <Loaded from={queue} what="the queue">
                {(waiting) => <Yard sandbox={now} providers={data} queue={waiting} log={log} onChange={changed} />}
              </Loaded>
            )}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

function Yard({
  sandbox,
  providers,
  queue,
  log,
  onChange,
}: {
  sandbox: Sandbox;
  providers: readonly Provider[];
  queue: Queue;
  log: readonly Charge[];
  onChange: () => void;
}) {
  const ids = providers.map(({ id }) => id);
  const simulated = sandbox.processors.map(({ provider }) => provider);
  const broken = new Set(sandbox.processors.filter(({ fault }) => fault !== null).map(({ provider }) => provider));
  return (
    <>
      <div className="yard-row">
        <Panel title="The yard" note={<span role="status">{yardWords(providers, queue, sandbox.traffic.per_second)}</span>}>
          <YardPicture log={log} providers={providers} broken={broken} waiting={countOf(queue.deferred)} doubts={countOf(queue.in_doubt)} />
          <LastTwoMinutes log={log} queue={queue} />
        </Panel>
        <Panel title="Try this">
          <Story ids={simulated} running={sandbox.traffic.running} onChange={onChange} />
        </Panel>
      </div>
      <div className="columns">
        {sandbox.processors.map(({ provider, fault }) => (
          <ProcessorCard
            key={provider}
            id={provider}
            fault={fault}
            faults={sandbox.faults}
            provider={providers.find(({ id }) => id === provider)}
            onChange={onChange}
          />
        ))}
      </div>
      <div className="columns">
        <Panel title="The last two minutes" note="Each charge by what it came to.">
          <LiveChart log={log} ids={ids} />
        </Panel>
        <Panel title="The newest charges">
          <Feed log={log} />
        </Panel>
      </div>
    </>
  );
}

/** As long as the log goes back. */
function LastTwoMinutes({ log, queue }: { log: readonly Charge[]; queue: Queue }) {
  const collected = log.filter((charge) => endOf(charge).kind === "collected").length;
  const failed = log.filter((charge) => endOf(charge).kind === "failed").length;
  const saved = log.filter(savedByFailover).length;
  return (
    <Stats label="The newest charges in numbers">
      <Stat
        label="Collected"
        value={count(collected)}
        note={collected + failed === 0 ? "none ended yet" : `${share(collected / (collected + failed))} of those that ended`}
      />
      <Stat label="Saved by failover" tone={saved > 0 ? "good" : "quiet"} value={count(saved)} note="another processor took over" />
      <Stat
        label="Waiting"
        tone={queue.deferred.length > 0 ? "warn" : "quiet"}
        value={count(countOf(queue.deferred))}
        note={queue.deferred.length === 0 ? "nothing waits" : moneys(queue.deferred)}
      />
      <Stat
        label="In doubt"
        tone={queue.in_doubt.length > 0 ? "doubt" : "quiet"}
        value={count(countOf(queue.in_doubt))}
        note={queue.in_doubt.length === 0 ? "all is known" : moneys(queue.in_doubt)}
      />
    </Stats>
  );
}
