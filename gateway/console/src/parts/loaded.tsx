import type { ReactNode } from "react";
import type { ApiProblem } from "../data/api.ts";
import type { Loaded as LoadedData } from "../data/use-api.ts";

/** Why something failed, in the gateway's own words. */
export function Failure({ problem, retry }: { problem: ApiProblem; retry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.message}</p>
      {problem.errors.length === 0 ? null : (
        <ul>
          {problem.errors.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      <p className="quiet">
        {problem.code}
        {problem.requestId === null ? null : <> · request {problem.requestId}</>}
      </p>
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Nothing there: says why that is fine, or what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">Loading {what}</span>
      <span className="skeleton" />
      <span className="skeleton" />
      <span className="skeleton" />
    </div>
  );
}

/** Draws what `useApi` has: the data when there is some, else why not. A failure beside old data is shown above it. */
export function Loaded<T>({ from, what, children }: { from: LoadedData<T>; what: string; children: (data: T) => ReactNode }) {
  const { data, problem, reload } = from;
  if (data === null) return problem === null ? <Loading what={what} /> : <Failure problem={problem} retry={reload} />;
  return (
    <>
      {problem === null ? null : <Failure problem={problem} retry={reload} />}
      {children(data)}
    </>
  );
}
