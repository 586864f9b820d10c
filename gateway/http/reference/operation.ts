import { fieldOf, fieldsOf } from "./fields.ts";
import { type Html, html } from "./html.ts";
import type { Content, InterfaceDocument, Operation } from "./interface-document.ts";
import { colouredJson, inline, markdown } from "./markdown.ts";

export interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** One operation: its words at the left, what is sent and answered at the right. */
export function operationHtml(place: Place, document: InterfaceDocument): Html {
  const { method, path, operation } = place;
  const { schemas } = document.components;
  return html`<article id="${operation.operationId}">
<div class="words">
<h3><a href="#${operation.operationId}">${operation.summary}</a></h3>
<p class="address"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></p>
${markdown(operation.description)}
${parametersHtml(operation, schemas)}
${bodyHtml(operation, schemas)}
${answersHtml(operation, schemas)}
${refusalsHtml(operation)}
</div>
<div class="code">
<figure><figcaption>Request</figcaption><pre tabindex="0"><code>${curlOf(place)}</code></pre></figure>
${examplesHtml(operation)}
</div>
</article>`;
}

type Schemas = InterfaceDocument["components"]["schemas"];

function parametersHtml({ parameters }: Operation, schemas: Schemas): Html | null {
  const ours = parameters.filter(({ name }) => name !== "X-Request-Id");
  if (ours.length === 0) return null;
  const rows = ours.map(({ name, description, required, schema }) =>
    fieldOf(name, description === undefined ? schema : { ...schema, description }, required, schemas, "sent"),
  );
  return html`<h4>Parameters</h4><dl class="fields">${rows}</dl>`;
}

function bodyHtml({ requestBody }: Operation, schemas: Schemas): Html | null {
  const [content] = Object.values(requestBody?.content ?? {});
  if (content === undefined) return null;
  return html`<h4>Body${requestBody?.required === false && html` <span class="type">may be left out</span>`}</h4>${fieldsOf(content.schema, schemas, "sent") ?? html`<p>${inline(content.schema?.description ?? "Any.")}</p>`}`;
}

function answersHtml({ responses }: Operation, schemas: Schemas): Html {
  const good = Object.entries(responses).filter(([, { content }]) => content?.["application/problem+json"] === undefined);
  const shown = new Set<string>();
  return html`<h4>Answers</h4><dl class="answers">${good.map(([status, { description, content = {} }]) => {
    const types = Object.keys(content).filter((type) => type !== "application/json");
    const { schema } = content["application/json"] ?? {};
    // 201 and 202 of one operation are the same object.
    const isNew = schema !== undefined && !shown.has(JSON.stringify(schema));
    if (isNew) shown.add(JSON.stringify(schema));
    const fields = isNew ? fieldsOf(schema, schemas, "answered") : null;
    return html`<dt><span class="status">${status}</span></dt><dd><p>${inline(description)}${types.length > 0 && html` <span class="type">${types.join(", ")}</span>`}</p>${fields && html`<details><summary>Fields of the answer</summary>${fields}</details>`}</dd>`;
  })}</dl>`;
}

function refusalsHtml({ responses }: Operation): Html {
  const codes = Object.entries(responses).flatMap(([status, { content }]) =>
    Object.keys(content?.["application/problem+json"]?.examples ?? {}).map((code) => ({ status, code })),
  );
  return html`<details class="refusals"><summary>Refusals (${codes.length})</summary><ul>${codes.map(({ status, code }) => html`<li>${status} <a href="#problem-${code}"><code>${code}</code></a></li>`)}</ul></details>`;
}

function examplesHtml({ operationId, responses }: Operation): Html[] {
  const all = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).flatMap(([type, one]) =>
      type === "application/problem+json" ? [] : namedExamples(one).map((more) => ({ status, type, ...more })),
    ),
  );
  return all.map(({ status, type, name, value }, index) => {
    const label = [status, type === "application/json" ? null : type, name === "Example" ? null : name].filter(Boolean).join(" · ");
    return html`<details class="example" name="${operationId}-example"${index === 0 && html` open`}><summary>${label}</summary><pre tabindex="0"><code>${colouredJson(value)}</code></pre></details>`;
  });
}

function namedExamples({ examples = {} }: Content): { name: string; value: unknown }[] {
  return Object.values(examples).map(({ summary, value }) => ({ name: summary, value }));
}

/** For a shell in which $URL and a key by its role's name are set, as in our guides. */
function curlOf({ method, path, operation }: Place): string {
  const address = path.replaceAll(/([\w-]+)\/\{(\w+)\}/g, (_all, thing: string, name: string) => `${thing}/$${variableOf(thing, name)}`);
  const role = /Roles: (\w+)/.exec(operation.description)?.[1];
  const [content] = Object.values(operation.requestBody?.content ?? {});
  const needsKey = operation.parameters.some(({ name }) => name === "Idempotency-Key");
  const body = typeof content?.example === "string" ? content.example : content?.example && JSON.stringify(content.example, null, 2);
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}$URL${address}`,
    ...(role === undefined ? [] : [`  -H "Authorization: Bearer $${role.toUpperCase()}"`]),
    ...(needsKey ? ['  -H "Idempotency-Key: invoice-1042-1"'] : []),
    ...(body ? ['  -H "Content-Type: application/json"', `  -d '${body}'`] : []),
  ].join(" \\\n");
}

function variableOf(thing: string, name: string): string {
  const word = name === "id" ? thing.replace(/s$/, "") : name;
  return word.replaceAll("-", "_").toUpperCase();
}
