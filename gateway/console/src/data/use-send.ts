import { useState } from "react";
import { ApiProblem } from "./api.ts";

/**
 * Runs a change once at a time and keeps why it failed. `run` answers true when it succeeded, so that a dialog can close:
 * `const { run, busy, problem } = useSend(); ... if (await run(() => send("PUT", ...))) close();`
 */
export function useSend(): { run(change: () => Promise<unknown>): Promise<boolean>; busy: boolean; problem: ApiProblem | null } {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  async function run(change: () => Promise<unknown>): Promise<boolean> {
    if (busy) return false;
    setBusy(true);
    setProblem(null);
    try {
      await change();
      return true;
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { run, busy, problem };
}
