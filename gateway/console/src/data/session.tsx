import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";
import { ApiProblem, getJson, send, setCredentials } from "./api.ts";
import { openStream } from "./live.ts";

export type Role = "billing" | "finance" | "ops" | "admin";

export interface Session {
  readonly name: string;
  readonly role: Role;
  /** Real money. */
  readonly livemode: boolean;
  readonly csrf: string;
  /** The simulated processors run beside this gateway. */
  readonly sandbox: boolean;
  readonly expires_at: string;
}

interface SessionHandle {
  /** undefined: not known yet; null: signed out. */
  readonly session: Session | null | undefined;
  /** Why nobody could tell whether there is a session. */
  readonly problem: ApiProblem | null;
  /** Throws ApiProblem. */
  signIn(key: string): Promise<void>;
  signOut(): Promise<void>;
  retry(): void;
}

const Context = createContext<SessionHandle | null>(null);
const SESSION = "/console/session";

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const adopt = useCallback((next: Session | null) => {
    setCredentials(next?.csrf ?? null, () => adopt(null));
    setProblem(null);
    setSession(next);
  }, []);

  const look = useCallback(() => {
    setProblem(null);
    getJson<Session | undefined>(SESSION).then(
      (found) => adopt(found ?? null),
      (error: unknown) => {
        if (error instanceof ApiProblem && error.status !== 401) return setProblem(error);
        adopt(null);
      },
    );
  }, [adopt]);

  useEffect(look, [look]);
  const signedIn = Boolean(session);
  useEffect(() => (signedIn ? openStream() : undefined), [signedIn]);

  const handle: SessionHandle = {
    session,
    problem,
    signIn: async (key) => adopt(await send<Session>("POST", SESSION, { key })),
    signOut: async () => {
      await send("DELETE", SESSION);
      adopt(null);
    },
    retry: look,
  };
  return <Context value={handle}>{children}</Context>;
}

export function useSessionHandle(): SessionHandle {
  return useContext(Context) as SessionHandle;
}

/** On pages, which only a session shows. */
export function useSession(): Session {
  return useSessionHandle().session as Session;
}

/** True when the session may do what one of these roles may. `admin` may do all. */
export function mayUse(session: Session, roles: readonly Role[]): boolean {
  return session.role === "admin" || roles.includes(session.role);
}
