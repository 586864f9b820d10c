import type { ProblemCode } from "../../problems.ts";
import { CommandFailed, EXIT, type ExitCode } from "./exit-code.ts";

/** The body of an answer that is no success: RFC 9457 with our members. Any of them may be missing: it may not be ours. */
export interface ProblemJson {
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly action?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly request_id?: string;
}

/** The gateway said no, in its own words. */
export class Refused extends CommandFailed {
  readonly problem: ProblemJson;

  constructor(problem: ProblemJson) {
    const { title = "The request was refused", status = 0, detail, code = "unknown", action, errors = [], request_id } = problem;
    const advice = [
      ...(detail && detail !== title ? [detail] : []),
      ...errors.map(({ pointer, detail }) => `${pointer}: ${detail}`),
      ...(action ? [action] : []),
      ...whatToDo(code),
      ...(request_id ? [`In the gateway's log it is ${request_id}.`] : []),
    ];
    super(exitCodeOf(status, code), `${title} (${status} ${code})`, advice);
    this.problem = problem;
  }
}

function exitCodeOf(status: number, code: string): ExitCode {
  if (status === 401 || status === 403) return EXIT.denied;
  return code === "invalid_request" || code === "validation_failed" ? EXIT.usage : EXIT.failed;
}

/** What a person at a terminal does next; the page of errors has it for programs. */
const NEXT: Partial<Record<ProblemCode, string>> = {
  unauthorized:
    "This gateway does not know the key: it was revoked, or it belongs to another installation. Look at SWITCHYARD_API_KEY and --url.",
  not_found: "Look at the id, and at the gateway: --url or SWITCHYARD_URL.",
  dead_letter_closed: "Somebody was faster, or the machine settled it: `switchyard dead-letters list --state all` says who.",
  too_many_requests: "It is too busy now: again in a few seconds.",
  database_unavailable: "The gateway has lost its database: `switchyard doctor` looks at it. What was acknowledged is safe.",
  outcome_unknown_retry_same_key: "Look at what is there before you repeat it.",
  not_ready: "`switchyard doctor` says what is missing.",
  internal_error: "Look into the gateway's log.",
};

function whatToDo(code: string): string[] {
  const next = NEXT[code as ProblemCode];
  return next ? [next] : [];
}
