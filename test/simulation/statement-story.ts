import type { Statement } from "../../gateway/store/database.ts";
import { purposeOf } from "./sql.ts";

const TOLD = /^(release_|hint_|count_look|put_off_look|end_looks|write_operation|set_override|remove_override|reopen)/;

/** A statement in a few words, for the story of a run; null: nothing happened. */
export function storyOf(statement: Statement, rows: readonly object[]): string | null {
  const name = purposeOf(statement);
  if (/^(claim_|take_)/.test(name)) {
    const claims = (rows as { id: string; lease_no?: number }[]).map(
      ({ id, lease_no }) => `${id}${lease_no === undefined ? "" : ` (lease ${lease_no})`}`,
    );
    return claims.length > 0 ? `${name}: ${claims.join(", ")}` : null;
  }
  if (!TOLD.test(name)) return null;
  const [first, second] = statement.values ?? [];
  if (name === "hint_attempt") return `notes late evidence about ${first}`;
  return `${name} ${first} ${second instanceof Date ? second.toISOString() : String(second)}`;
}
