import { createPublicKey, randomUUID, verify, X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Answer, World } from "../processor.ts";
import type { Table } from "../table.ts";
import type { Delivery, WebhookEvent } from "../webhooks.ts";
import { newSigner, type Signer } from "./certificate-authority.ts";
import { badRequest, notFound } from "./error.ts";
import type { Json } from "./json.ts";

const MAX_EVENTS = 20_000;
const MAX_TRANSMISSIONS = 10_000;
const ALGORITHM = "SHA256withRSA";

interface KeptEvent {
  readonly account: string;
  readonly body: string;
}

interface Transmission {
  readonly id: string;
  readonly time: string;
}

/** What PayPal has to do with webhooks: it signs them, shows its certificate, and tells whether it sent one. */
export class Notifications {
  readonly #world: World;
  readonly #events: Table<KeptEvent>;
  readonly #transmissions = new Map<string, Transmission>();
  #signer: Signer | null = null;

  constructor(world: World) {
    this.#world = world;
    this.#events = world.tables.create("paypal.events", MAX_EVENTS);
  }

  /** PEM of the authority that vouches for the signatures. */
  get authority(): string {
    return this.#keys().authority;
  }

  keep(account: string, event: WebhookEvent): void {
    this.#events.put(event.id, { account, body: event.body });
  }

  /** A retry has the id and the time of the first transmission, and so its signature. */
  headers({ event, secret, sentAtMs }: Delivery): Record<string, string> {
    const signer = this.#keys();
    const { id, time } = this.#transmission(event.id, sentAtMs);
    return {
      "paypal-transmission-id": id,
      "paypal-transmission-time": time,
      "paypal-transmission-sig": signer.sign(signed(id, time, secret, event.body)),
      "paypal-cert-url": this.#certificateUrl(signer),
      "paypal-auth-algo": ALGORITHM,
      "user-agent": "PayPal/AUHD-214.0 (sandbox)",
    };
  }

  /** GET /v1/notifications/certs/{id} */
  certificate(id: string): Answer {
    const signer = this.#keys();
    if (id !== signer.id) return notFound("cert_id");
    return { status: 200, body: signer.chain, headers: { "content-type": "text/plain" }, executed: true };
  }

  /** GET /v1/notifications/webhooks-events/{id} */
  event(id: string, account: string): Answer {
    const event = this.#events.get(id);
    return event?.account === account ? { status: 200, body: event.body, executed: true } : notFound("event_id");
  }

  /** POST /v1/notifications/verify-webhook-signature. `text` is the whole request: the event, last in it, is checked as it was written. */
  verify(body: Json, text: string): Answer {
    const signer = this.#keys();
    const { transmission_id: id, transmission_time: time, transmission_sig: signature, webhook_id: webhookId } = body;
    const event = /"webhook_event"\s*:\s*(\{.*\})\s*\}\s*$/s.exec(text)?.[1] ?? JSON.stringify(body.webhook_event);
    if (event === undefined) return badRequest("MISSING_REQUIRED_PARAMETER", "/webhook_event");
    for (const name of ["transmission_id", "transmission_time", "transmission_sig", "webhook_id", "cert_url", "auth_algo"]) {
      if (typeof body[name] !== "string") return badRequest("MISSING_REQUIRED_PARAMETER", `/${name}`);
    }
    const key = createPublicKey(new X509Certificate(signer.chain).publicKey.export({ type: "spki", format: "pem" }));
    const said = Buffer.from(signed(String(id), String(time), String(webhookId), event));
    const good =
      body.cert_url === this.#certificateUrl(signer) && verify("RSA-SHA256", said, key, Buffer.from(String(signature), "base64"));
    return { status: 200, body: JSON.stringify({ verification_status: good ? "SUCCESS" : "FAILURE" }), executed: true };
  }

  #certificateUrl({ id }: Signer): string {
    return `${this.#world.url()}/v1/notifications/certs/${id}`;
  }

  /** Made when it is first needed: most sandboxes send no webhook. */
  #keys(): Signer {
    this.#signer ??= newSigner();
    return this.#signer;
  }

  #transmission(event: string, sentAtMs: number): Transmission {
    const first = this.#transmissions.get(event);
    if (first) return first;
    const transmission = { id: randomUUID(), time: `${new Date(sentAtMs).toISOString().slice(0, 19)}Z` };
    this.#transmissions.set(event, transmission);
    if (this.#transmissions.size > MAX_TRANSMISSIONS) {
      for (const oldest of this.#transmissions.keys()) {
        this.#transmissions.delete(oldest);
        break;
      }
    }
    return transmission;
  }
}

/** https://developer.paypal.com/api/rest/webhooks/rest/: what a signature is over. */
function signed(transmissionId: string, time: string, webhookId: string, body: string): string {
  return `${transmissionId}|${time}|${webhookId}|${crc32(body)}`;
}
