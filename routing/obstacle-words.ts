/** What can stand against a new attempt at a provider, as it is kept with the attempt. */
export type ObstacleCode =
  | "no_token"
  | "not_configured"
  | "excluded"
  | "currency"
  | "rule"
  | "not_accepted"
  | "down"
  | "drain"
  | "only"
  | "unverified"
  | "rate_limit"
  | "open"
  | "probes_out"
  | "no_probe";

/** The same for people. `detail`: the rule's name, the gate's reason, ... */
export function obstacleWords(code: ObstacleCode, detail: string | null): string {
  switch (code) {
    case "no_token":
      return "the payment method has no token for it";
    case "not_configured":
      return "it is not configured here";
    case "excluded":
      return "this charge may not go there again";
    case "currency":
      return "it does not take this currency";
    case "rule":
      return `the rule ${JSON.stringify(detail)} does not allow it`;
    case "not_accepted":
      return "by the routing rules it does not accept such a charge";
    case "down":
      return "an operator set it down";
    case "drain":
      return "an operator drains it";
    case "only":
      return `an operator allows only ${detail}`;
    case "unverified":
      return `not verified: ${detail}`;
    case "rate_limit":
      return `its limit of ${detail} attempts per second is used up`;
    case "open":
      return `open: ${detail}`;
    case "probes_out":
      return `half open, all probes are out: ${detail}`;
    case "no_probe":
      return "half open, and this charge does not probe it";
  }
}
