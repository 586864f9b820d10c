/** What holds for all operations; Markdown, of which the page at /docs knows paragraphs, lists, `code`, **bold** and headings. */
export const INTRODUCTION = `One charge, the healthiest processor, never twice.

## Keys and roles

Send \`Authorization: Bearer\` and an API key. A key has one role: \`billing\` charges and refunds, \`finance\` reads, \`ops\` runs the processors and settles doubts, \`admin\` may do all and makes keys. Each operation names the roles that may call it.

## 201 is decided, 202 is not

A charge answers 201 when it is decided for the caller (\`succeeded\`, \`authorized\`, \`failed\`, \`canceled\`, \`requires_action\`) and 202 when it is kept and still to be decided (\`processing\`, \`pending\`, \`in_doubt\`, \`deferred\`). A decline is no error: it is 201 with \`status: "failed"\`, and \`failure\` says why and whether another try may help. After a 202 do nothing: wait for the webhook, or read the charge.

## One key for each operation

Whatever moves money needs an \`Idempotency-Key\`: make it before the first send, keep it, and send the same one with each retry. There is no answer, a timeout, 409 \`idempotency_key_in_use\`, 429 or 5xx: repeat with the same key. It is never charged twice. A key never expires, and gives the charge as it is now with \`Idempotent-Replayed: true\`.

## Money

\`amount\` is an integer of the currency's smallest unit (4200 is 42.00 dollars), \`currency\` is ISO 4217 in lower case. Amounts of different currencies are never added. Times are RFC 3339, UTC.

## Errors

Every error is \`application/problem+json\` (RFC 9457). Decide by \`code\`, which is stable. \`money\` answers the first question: \`none\` (no money moved for this request), \`unknown\` (it may have: repeat with the same key, or read the charge), \`as_shown\` (the charge says it). \`Retry-After\` says in how many seconds to come back.

## Lists

Newest first, \`limit\` 1 to 100. Send \`next_cursor\` as \`starting_after\` for the page after; \`has_more\` says whether there is one. Unknown parameters and unknown fields are refused.

## Never a card number

Tokens of the processors only. What looks like a card number, anywhere in a request, is refused with 422 \`card_number_not_allowed\`, and neither kept nor logged.`;
