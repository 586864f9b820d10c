/** How a command ended: the same numbers for all of them, and part of the interface. */
export const EXIT = {
  /** Done; and where something was examined, nothing is wrong. */
  ok: 0,
  /** It could not be done: the gateway refused, or something failed. */
  failed: 1,
  /** Done, and what was examined is not as it should be: differences, a broken chain, a fault in the set-up. */
  found: 3,
  /** Wrong arguments. EX_USAGE of sysexits.h. */
  usage: 64,
  /** No gateway answers. EX_UNAVAILABLE. */
  unreachable: 69,
  /** No key, an unknown key, or one whose role may not do this. EX_NOPERM. */
  denied: 77,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for people: what happened, and what to do about it. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly code: ExitCode;
  /** What to do, and what is known about the money: one a line. */
  readonly advice: readonly string[];

  constructor(code: ExitCode, message: string, advice: readonly string[] = []) {
    super(message);
    this.code = code;
    this.advice = advice;
  }
}
