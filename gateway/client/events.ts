import { withQuery } from "./pages.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type { Event, EventPage, EventQuery } from "./wire.ts";

/** What happened, in the order of the trail: the same events that webhooks bring. */
export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Keep `next_cursor` and give it as `after`, also when the page was empty. */
  async list(query: EventQuery = {}, options: CallOptions = {}): Promise<EventPage> {
    const path = withQuery("/v1/events", query);
    return (await this.#transport.call<EventPage>({ method: "GET", path, repeat: "harmless" }, options)).body;
  }

  /** All up to now. Go on later with the last one's `data.seq` as `after`. */
  async *each(query: EventQuery = {}, options: CallOptions = {}): AsyncGenerator<Event, void, undefined> {
    for (let after = query.after; ; ) {
      const page = await this.list({ ...query, after }, options);
      yield* page.data;
      if (!page.has_more) return;
      after = page.next_cursor;
    }
  }
}
