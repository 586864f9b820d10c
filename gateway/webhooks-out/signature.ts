import { createHmac } from "node:crypto";

// Standard Webhooks 1.0.0, symmetric: https://github.com/standard-webhooks/standard-webhooks

/** Bytes of a secret; the specification takes 24 to 64. */
export const SECRET_BYTES = 32;

/** As people and verifying libraries take it. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString("base64")}`;
}

/** The headers of one try. Several secrets, after a rotation: one signature each; a receiver is content with any of them. */
export function signatureHeaders(message: {
  id: string;
  body: string;
  secrets: readonly Uint8Array[];
  atMs: number;
}): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(message.atMs / 1_000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = message.secrets.map((secret) => `v1,${createHmac("sha256", secret).update(content, "utf8").digest("base64")}`);
  return { "webhook-id": message.id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
