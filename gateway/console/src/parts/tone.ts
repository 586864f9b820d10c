/** `good` works, `warn` wants attention, `bad` is broken or lost, `doubt` nobody knows yet, `quiet` says nothing. */
export type Tone = "good" | "warn" | "bad" | "doubt" | "info" | "quiet";
