import { type FormEvent, useEffect, useState } from "react";
import { useSessionHandle } from "../data/session.tsx";
import { useSend } from "../data/use-send.ts";
import { Failure } from "../parts/loaded.tsx";
import { Mark } from "./layout.tsx";

/** One field: the key says who it is and what it may do. The key itself is not kept in the browser. */
export function SignIn() {
  const { signIn } = useSessionHandle();
  const { run, busy, problem } = useSend();
  const [key, setKey] = useState("");
  const [shown, setShown] = useState(false);
  useEffect(() => {
    document.title = "Sign in · Switchyard";
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(() => signIn(key.trim()));
  };
  return (
    <main className="alone">
      <form className="sign-in" onSubmit={submit}>
        <div className="brand">
          <Mark />
          <span>Switchyard</span>
        </div>
        <h1>Sign in</h1>
        <p className="quiet">With an API key. Its role decides what you see: billing, finance, ops or admin.</p>
        {/* Password managers keep a key under a name. */}
        <input type="text" name="username" autoComplete="username" value="switchyard" readOnly hidden />
        <label className="field">
          <span>API key</span>
          <input
            type={shown ? "text" : "password"}
            name="key"
            value={key}
            onChange={(event) => setKey(event.target.value)}
            autoComplete="current-password"
            spellCheck={false}
            // biome-ignore lint/a11y/noAutofocus: the page is this field
            autoFocus
            required
            aria-describedby="key-hint"
          />
        </label>
        <label className="check">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
          <span>Show the key</span>
        </label>
        {problem === null ? null : <Failure problem={problem} />}
        <button type="submit" className="primary" disabled={busy || key.trim() === ""}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
        <p className="quiet" id="key-hint">
          A local start writes its keys to <code>.data/keys.json</code>. The key is exchanged for a session of 12 hours; it is not kept
          here.
        </p>
      </form>
    </main>
  );
}
