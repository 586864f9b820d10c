/** The faults that a person can give a simulated processor, in the words and the order that the console shows. No name is a number: such ones would come first. */
export const SANDBOX_FAULTS = {
  down: {
    title: "Down",
    words: "Refuses every connection. Nothing can be charged there, and nothing was: the next processor is tried at once.",
  },
  errors: { title: "Errors", words: "Answers 500 to everything and executes nothing." },
  maintenance: { title: "Maintenance page", words: "Answers 503 with a page for people instead of JSON." },
  rate_limited: { title: "Rate limited", words: "Answers 429 to everything." },
  slow: { title: "Slow", words: "Takes three seconds for each answer, which is right." },
  trickle: { title: "Trickling", words: "Sends its answers byte by byte, for a minute." },
  reset_before: { title: "Resets", words: "Cuts each connection before anything is executed." },
  hang_before: { title: "Hangs", words: "Takes each request, executes nothing and never answers." },
  errors_after: { title: "Charges, then errors", words: "Executes the charge and answers 500: did the money move? Only looking tells." },
  reset_after: {
    title: "Charges, then resets",
    words: "Executes the charge and cuts the connection: a charge in doubt, until it is looked up.",
  },
  hang_after: { title: "Charges, then hangs", words: "Executes the charge and never answers: the hardest doubt." },
  decline: { title: "Declines", words: "Declines every charge. It is healthy, and its customers' banks say no: the breaker stays closed." },
} as const satisfies Record<string, { title: string; words: string }>;

export type SandboxFault = keyof typeof SANDBOX_FAULTS;

export interface SandboxControl {
  /** Of each simulated provider what it was told to do last; null: nothing, or something that only its own control page knows. */
  faults(): Promise<{ readonly provider: string; readonly fault: SandboxFault | null }[]>;
  /** Replaces what it was told before; null: it works again. */
  set(provider: string, fault: SandboxFault | null): Promise<void>;
  has(provider: string): boolean;
}

/** The simulated processors do not answer: their process has ended. */
export class SandboxGone extends Error {
  override readonly name = "SandboxGone";
}

const TIMEOUT_MS = 5_000;

/** As the sandbox's control server has it. What strikes after the money moved strikes that step only, so that a look finds it. */
const WIRE: Readonly<Record<SandboxFault, { kind: string; operation?: "commit" }>> = {
  down: { kind: "refuse" },
  errors: { kind: "500_before" },
  maintenance: { kind: "503_html" },
  rate_limited: { kind: "429" },
  slow: { kind: "slow" },
  trickle: { kind: "trickle" },
  reset_before: { kind: "reset_before" },
  hang_before: { kind: "hang_before" },
  errors_after: { kind: "500_after", operation: "commit" },
  reset_after: { kind: "reset_after", operation: "commit" },
  hang_after: { kind: "hang_after", operation: "commit" },
  decline: { kind: "decline" },
};

/** `processors`: which of the sandbox's processors each simulated provider has. */
export function sandboxControl(controlUrl: string, processors: ReadonlyMap<string, string>): SandboxControl {
  async function ask(method: string, path: string, body?: object): Promise<unknown> {
    const init = { method, signal: AbortSignal.timeout(TIMEOUT_MS), ...(body ? { body: JSON.stringify(body) } : {}) };
    const answer = await fetch(`${controlUrl}${path}`, init).catch((cause: unknown) => {
      throw new SandboxGone("the simulated processors do not answer", { cause });
    });
    if (!answer.ok) throw new Error(`the sandbox refuses ${method} ${path}: ${await answer.text()}`);
    return answer.json();
  }

  return {
    has: (provider) => processors.has(provider),
    async faults() {
      const all = (await ask("GET", "/faults")) as Record<string, { kind: string }[]>;
      return [...processors].map(([provider, processor]) => ({ provider, fault: faultOf(all[processor]?.[0]?.kind) }));
    },
    async set(provider, fault) {
      const processor = processors.get(provider);
      if (processor === undefined) throw new Error(`${provider} is not simulated`);
      await ask("DELETE", `/${processor}/faults`);
      if (fault !== null) await ask("PUT", `/${processor}/faults`, WIRE[fault]);
    },
  };
}

function faultOf(kind: string | undefined): SandboxFault | null {
  const found = Object.entries(WIRE).find(([, wire]) => wire.kind === kind);
  return found ? (found[0] as SandboxFault) : null;
}
