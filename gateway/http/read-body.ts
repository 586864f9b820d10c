import type { IncomingMessage } from "node:http";
import { Problem } from "../problems.ts";

/** A charge with everything in it is below 32 KiB. */
export const MAX_BODY_BYTES = 64 * 1024;
/** A body that is too large is still read up to here, so that its sender sees the answer and not a reset. */
const MAX_DRAINED_BYTES = 1024 * 1024;

/** The body's bytes, unless it is too large, compressed, or its sender went away. */
export function readBody(message: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const encoding = message.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return Promise.reject(new Problem("unsupported_media_type", "Compressed bodies are not accepted."));
  }
  if (Number(message.headers["content-length"] ?? 0) > MAX_DRAINED_BYTES) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    message.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (bytes > MAX_DRAINED_BYTES) {
        message.pause();
        reject(tooLarge(maxBytes));
      }
    });
    message.on("end", () =>
      bytes > maxBytes ? reject(tooLarge(maxBytes)) : resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
    );
    const cut = () => message.complete || reject(incomplete());
    message.on("error", cut);
    message.on("close", cut);
  });
}

/** The media type must be JSON; a charset, if named, UTF-8. */
export function assertJson(contentType: string | undefined): void {
  if (contentType === "application/json") return;
  const [type, ...parameters] = (contentType ?? "").toLowerCase().split(";");
  const charsets = parameters.map((parameter) => parameter.trim()).filter((parameter) => parameter.startsWith("charset="));
  if (type?.trim() !== "application/json" || charsets.some((charset) => !/^charset="?utf-8"?$/.test(charset))) {
    throw new Problem("unsupported_media_type", "Send the body as Content-Type: application/json, in UTF-8.");
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem("body_too_large", `The body is larger than ${maxBytes} bytes.`);
}

function incomplete(): Problem {
  return new Problem("invalid_request", "The body ended before it was complete.");
}
