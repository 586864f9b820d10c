import { providerName } from "../../parts/words.ts";
import type { AttemptDecision } from "./charge.ts";
import type { Chapter } from "./story.ts";

/** What happened, oldest first. */
export function Timeline({ chapters }: { chapters: readonly Chapter[] }) {
  const first = chapters[0];
  if (first === undefined) return null;
  return (
    <ol className="timeline">
      {chapters.map((chapter) => (
        <li key={chapter.key} className={`timeline-${chapter.tone}`}>
          <p className="timeline-when">
            <time dateTime={chapter.at} title={chapter.at}>
              {clock(chapter.at)}
            </time>
            {chapter === first ? null : <span className="quiet">{later(Date.parse(chapter.at) - Date.parse(first.at))}</span>}
          </p>
          <div className="timeline-what">
            <strong>{chapter.title}</strong>
            {chapter.detail === null || chapter.detail === "" ? null : <p>{chapter.detail}</p>}
            {chapter.by === null ? null : <p className="quiet">by {chapter.by}</p>}
            {chapter.decision === null ? null : <Why decision={chapter.decision} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

function Why({ decision }: { decision: NonNullable<AttemptDecision["decision"]> }) {
  return (
    <details>
      <summary>Why this processor</summary>
      <p>{decision.reason}</p>
      <dl className="timeline-candidates">
        {decision.candidates.map(({ provider, words }) => (
          <div key={provider}>
            <dt>{providerName(provider)}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      {decision.rule === null ? null : <p className="quiet">Rule: {decision.rule}</p>}
    </details>
  );
}

function clock(at: string): string {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Since the beginning: "+0.09 s", "+12 s", "+3 min", "+2 h", "+4 d". */
function later(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 10) return `+${seconds.toFixed(2)} s`;
  if (seconds < 120) return `+${Math.round(seconds)} s`;
  if (seconds < 7_200) return `+${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `+${Math.round(seconds / 3_600)} h` : `+${Math.round(seconds / 86_400)} d`;
}
