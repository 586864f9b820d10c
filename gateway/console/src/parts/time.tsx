import { useNow } from "./use-now.ts";
import { dateTime, fromNow } from "./words.ts";

/** When something was or will be: "3 minutes ago", with the exact time to hover. `exact`: the other way round. */
export function Time({ at, exact = false }: { at: string; exact?: boolean }) {
  const now = useNow(1_000);
  const relative = fromNow(Date.parse(at), now);
  const absolute = dateTime(at);
  return (
    <time dateTime={at} title={exact ? relative : `${absolute} (${at})`}>
      {exact ? absolute : relative}
    </time>
  );
}
