import { useSend } from "../data/use-send.ts";
import { Failure } from "./loaded.tsx";

/** Saves text as a file. `content` may ask the gateway (`getCsv`), or make it from what is on the screen (`toCsv` of gateway/http/csv.ts). */
export function CsvButton({ name, content }: { name: string; content: () => string | Promise<string> }) {
  const { run, busy, problem } = useSend();
  const save = () =>
    run(async () => {
      const url = URL.createObjectURL(new Blob([await content()], { type: "text/csv;charset=utf-8" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.click();
      URL.revokeObjectURL(url);
    });
  return (
    <>
      <button type="button" onClick={save} disabled={busy}>
        {busy ? "Saving…" : "CSV"}
      </button>
      {problem === null ? null : <Failure problem={problem} />}
    </>
  );
}
