import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault, FaultBoard } from "./fault.ts";
import type { Listener } from "./listener.ts";
import type { Answer, Opened, Processor } from "./processor.ts";
import type { RequestLog, RequestRecord } from "./request-log.ts";

const MAX_BODY_BYTES = 1024 * 1024;
const SLOW_MS = 3_000;
const TRICKLE_MS = 60_000;
const TRICKLE_STEP_MS = 20;
const REFUSE_MS = 1_500;
const SHUT_LEAD_MS = 10; // the client must see its idle sockets end before it sees the prepare's answer

export interface ExchangeOptions {
  readonly processor: Processor;
  readonly listener: Listener;
  readonly faults: FaultBoard;
  readonly log: RequestLog;
  readonly now: () => number;
  /** Called after every execution, before its answer leaves. */
  readonly executed: () => void;
}

/** One processor behind its listener: reads requests, lets faults strike, executes, answers. */
export class Exchange {
  readonly #processor: Processor;
  readonly #faults: FaultBoard;
  readonly #log: RequestLog;
  readonly #now: () => number;
  readonly #executed: () => void;
  readonly #listener: Listener;
  readonly #held = new Set<() => void>();

  constructor(options: ExchangeOptions) {
    this.#listener = options.listener;
    this.#processor = options.processor;
    this.#faults = options.faults;
    this.#log = options.log;
    this.#now = options.now;
    this.#executed = options.executed;
  }

  readonly handle = (req: IncomingMessage, res: ServerResponse): void => {
    res.on("error", () => {});
    if (req.headers["content-length"] === undefined && req.headers["transfer-encoding"] === undefined) {
      this.#received(req, res, "");
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) req.destroy();
      else chunks.push(chunk);
    });
    req.on("end", () => {
      this.#received(req, res, chunks.length === 1 ? chunks[0]!.toString("utf8") : Buffer.concat(chunks).toString("utf8"));
    });
  };

  /** Ends what hangs (the connection breaks, nothing more is executed) and lets trickles run out at once. */
  release(): void {
    for (const end of [...this.#held]) end();
  }

  #received(req: IncomingMessage, res: ServerResponse, body: string): void {
    const { method = "GET", url = "/" } = req;
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? "" : url.slice(mark + 1);
    const opened = this.#processor.open({ method, path, query, headers: req.headers, body });
    const record: RequestRecord = {
      provider: this.#processor.provider,
      operation: opened.operation,
      method,
      path,
      idempotencyKey: opened.idempotencyKey,
      executed: false,
      at: this.#now(),
    };
    this.#log.add(record);
    const fault = this.#faults.strike(opened.operation);
    if (fault === null) this.#answer(res, opened, this.#run(opened, record, null));
    else this.#struck(fault, res, opened, record);
  }

  #struck(fault: Fault, res: ServerResponse, opened: Opened, record: RequestRecord): void {
    switch (fault.kind) {
      case "reset_before":
        res.socket?.resetAndDestroy();
        return;
      case "hang_before":
        this.#hang(res, opened, opened.early() === null);
        return;
      case "503_html":
        send(res, { status: 503, body: outagePage, headers: { "content-type": "text/html" }, executed: false });
        return;
      case "429":
        send(res, this.#processor.rateLimited());
        return;
      case "500_before":
        send(res, opened.early() ?? this.#fail(opened));
        return;
      case "decline":
        this.#answer(res, opened, this.#run(opened, record, fault.code ?? ""));
        return;
      case "reset_after":
        this.#run(opened, record, null);
        res.socket?.resetAndDestroy();
        return;
      case "hang_after":
        this.#run(opened, record, null);
        this.#hang(res, opened, record.executed);
        return;
      case "500_after": {
        const answer = this.#run(opened, record, null);
        send(res, record.executed ? this.#fail(opened) : answer);
        return;
      }
      case "slow":
        this.#slow(fault.delayMs ?? SLOW_MS, res, opened, record);
        return;
      case "trickle":
        this.#trickle(fault.delayMs ?? TRICKLE_MS, res, this.#run(opened, record, null));
        return;
      case "refuse":
        throw new Error("refusals strike before there is a request");
    }
  }

  #run(opened: Opened, record: RequestRecord, decline: string | null): Answer {
    const early = opened.early();
    if (early) return early;
    const answer = opened.execute(decline);
    record.executed = answer.executed;
    this.#executed();
    return answer;
  }

  #fail(opened: Opened): Answer {
    const answer = opened.fail();
    this.#executed();
    return answer;
  }

  /** Answers; after a prepare it may shut the listener first, so that the commit is refused. */
  #answer(res: ServerResponse, opened: Opened, answer: Answer): void {
    const mayRefuse = opened.operation === "prepare" && answer.status < 300 && this.#listener.isOpen;
    const refusal = mayRefuse ? this.#faults.strikeRefusal() : null;
    if (refusal === null) {
      this.#send(res, answer);
      return;
    }
    const forMs = refusal.delayMs ?? (refusal.count === undefined ? null : REFUSE_MS);
    this.#listener.shut({ abrupt: false, forMs });
    setTimeout(() => this.#send(res, answer, { last: true }), SHUT_LEAD_MS);
  }

  #send(res: ServerResponse, answer: Answer, options: { last?: boolean } = {}): void {
    // While connections are refused, none may stay open for the next request.
    if (options.last || !this.#listener.isOpen) res.shouldKeepAlive = false;
    send(res, answer);
  }

  /** Says nothing until the client goes or the faults are cleared. The key stays in use, if it is this request's. */
  #hang(res: ServerResponse, opened: Opened, holdsKey: boolean): void {
    if (holdsKey) opened.enter();
    this.#hold(res, () => {
      if (holdsKey) opened.leave();
      res.destroy();
    });
  }

  /** Executes and answers late; executes also when the client has given up by then, as real processors do. */
  #slow(delayMs: number, res: ServerResponse, opened: Opened, record: RequestRecord): void {
    const early = opened.early();
    if (early === null) opened.enter();
    setTimeout(() => {
      if (early !== null) {
        this.#send(res, early);
        return;
      }
      opened.leave();
      this.#answer(res, opened, this.#run(opened, record, null));
    }, delayMs).unref();
  }

  #trickle(totalMs: number, res: ServerResponse, answer: Answer): void {
    const bytes = Buffer.from(answer.body);
    const steps = Math.max(1, Math.min(bytes.length, Math.floor(totalMs / TRICKLE_STEP_MS)));
    const size = Math.max(1, Math.ceil(bytes.length / steps));
    let sent = 0;
    res.writeHead(answer.status, headersOf(answer, bytes.length));
    res.flushHeaders();
    const timer = setInterval(
      () => {
        res.write(bytes.subarray(sent, sent + size));
        sent += size;
        if (sent >= bytes.length) end();
      },
      Math.max(1, totalMs / steps),
    );
    const end = this.#hold(res, () => {
      clearInterval(timer);
      if (!res.destroyed) res.end(bytes.subarray(sent));
    });
  }

  /** Calls `end` once: when the client goes, when `release` says so, or when the result is called. */
  #hold(res: ServerResponse, end: () => void): () => void {
    const once = (): void => {
      if (this.#held.delete(once)) end();
    };
    this.#held.add(once);
    res.once("close", once);
    return once;
  }
}

const outagePage = "<html><head><title>503 Service Temporarily Unavailable</title></head><body><h1>503</h1></body></html>\n";

function send(res: ServerResponse, answer: Answer): void {
  if (res.destroyed) return;
  res.writeHead(answer.status, headersOf(answer, Buffer.byteLength(answer.body)));
  res.end(answer.body);
}

function headersOf(answer: Answer, length: number): Record<string, string | number> {
  // 204 has no body and, by RFC 9110, no length.
  if (answer.status === 204) return { ...answer.headers };
  return { "content-type": "application/json", "content-length": length, ...answer.headers };
}
