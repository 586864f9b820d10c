import { parser } from "@prometheus-io/lezer-promql";

export interface Selector {
  readonly metric: string;
  /** By label, what the expression asks it to be: `="x"`, `=~"x"`, …; null where labels are only grouped by. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What an expression selects, and the labels that it groups by. Throws where it does not parse. */
export function readPromQL(expression: string): { readonly selectors: readonly Selector[]; readonly grouping: readonly string[] } {
  const selectors: { metric: string; labels: Record<string, string> }[] = [];
  const grouping: string[] = [];
  parser.parse(expression).iterate({
    enter(node) {
      const { name, from, to, type } = node;
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`${expression}: does not parse at ${from}: ${text}`);
      if (name === "Identifier" && node.matchContext(["VectorSelector"])) selectors.push({ metric: text, labels: {} });
      if (name === "UnquotedLabelMatcher") {
        const [, label = "", match = ""] = /^(\w+)\s*(.+)$/s.exec(text) ?? [];
        selectors.at(-1)!.labels[label] = match;
      }
      if (name === "LabelName" && node.matchContext(["GroupingLabels"])) grouping.push(text);
    },
  });
  return { selectors, grouping };
}
