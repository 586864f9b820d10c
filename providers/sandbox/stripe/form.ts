/** A form-encoded body or query as Stripe nests it: `metadata[charge_id]=x`, `expand[]=y`, `created[gte]=1`. */
export interface Form {
  readonly [name: string]: FormValue;
}
export type FormValue = string | Form;

const MAX_FIELDS = 500;
const MAX_DEPTH = 6;

/** Lists become objects keyed "0", "1", ... Returns null for what is not such a form. */
export function parseForm(text: string): Form | null {
  const root: Record<string, FormValue> = Object.create(null);
  if (text === "") return root;
  const fields = text.split("&");
  if (fields.length > MAX_FIELDS) return null;
  for (const field of fields) {
    const mark = field.indexOf("=");
    const name = decode(mark < 0 ? field : field.slice(0, mark));
    const value = decode(mark < 0 ? "" : field.slice(mark + 1));
    if (name === null || value === null || !place(root, name, value)) return null;
  }
  return root;
}

function place(root: Record<string, FormValue>, name: string, value: string): boolean {
  const bracket = name.indexOf("[");
  if (bracket < 0) {
    root[name] = value;
    return true;
  }
  if (!name.endsWith("]")) return false;
  const path = [name.slice(0, bracket), ...name.slice(bracket + 1, -1).split("][")];
  if (path.length > MAX_DEPTH) return false;
  let at = root;
  for (const step of path.slice(0, -1)) {
    at[step] ??= Object.create(null);
    const next = at[step];
    if (typeof next !== "object") return false;
    at = next as Record<string, FormValue>;
  }
  const last = path.at(-1)!;
  at[last === "" ? String(Object.keys(at).length) : last] = value;
  return true;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.includes("+") ? text.replaceAll("+", " ") : text);
  } catch {
    return null;
  }
}

/** A string field; "" counts as absent, as at Stripe. */
export function textOf(form: Form, name: string): string | null {
  const value = form[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** A nested field as a flat map of strings. */
export function mapOf(form: Form, name: string): Record<string, string> {
  const value = form[name];
  const map: Record<string, string> = {};
  if (typeof value !== "object") return map;
  for (const [key, entry] of Object.entries(value)) if (typeof entry === "string" && entry !== "") map[key] = entry;
  return map;
}

/** Whether `expand[]` names the field. */
export function expands(form: Form, field: string): boolean {
  return Object.values(mapOf(form, "expand")).includes(field);
}
