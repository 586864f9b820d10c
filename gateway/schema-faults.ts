import type { z } from "zod";
import type { FieldFault } from "./problems.ts";

/** What a schema has against a value, each with the pointer that `pointer` makes of its path. No message repeats a value. */
export function faultsOf(error: z.ZodError, pointer: (path: readonly PropertyKey[]) => string): FieldFault[] {
  return error.issues.flatMap((issue) => describe(issue, [])).map(({ path, message }) => ({ pointer: pointer(path), message }));
}

function describe(issue: z.core.$ZodIssue, base: readonly PropertyKey[]): { path: readonly PropertyKey[]; message: string }[] {
  const path = [...base, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => ({ path: [...path, key], message: "is not a known field" }));
  if (issue.code === "invalid_key") return [{ path, message: `this key ${issue.issues.map(({ message }) => message).join("; ")}` }];
  if (issue.code === "invalid_union") {
    // The branch whose outer shape fits says more than "none fits": it went on to what is inside, or to a rule of its own.
    const fitting = issue.errors.find(
      (branch) =>
        branch.length > 0 && branch.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys" || code === "custom"),
    );
    if (fitting) return fitting.flatMap((inner) => describe(inner, path));
  }
  return [{ path, message: issue.message }];
}
