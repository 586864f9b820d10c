import type { ReactNode } from "react";
import { useSend } from "../data/use-send.ts";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./loaded.tsx";

/**
 * Says in words what will happen (`children`), and does it only then. `action` throws ApiProblem; the dialog closes when it
 * succeeded, and shows why when it did not. `ready` false: something in it is still missing.
 */
export function Confirm({
  title,
  verb,
  danger = false,
  ready = true,
  action,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  danger?: boolean;
  ready?: boolean;
  action: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const { run, busy, problem } = useSend();
  const submit = async (event: { preventDefault(): void }) => {
    event.preventDefault();
    if (ready && (await run(action))) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        {children}
        {problem === null ? null : <Failure problem={problem} />}
        <footer className="dialog-foot">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={danger ? "danger" : "primary"} disabled={busy || !ready}>
            {busy ? "Working…" : verb}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
