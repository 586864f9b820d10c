/** The style sheet's colours of this moment, for what is drawn on a canvas. */
export interface ChartColors {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
  readonly doubt: string;
  readonly info: string;
  /** One for each provider, by its place in the configured order; use `seriesColor`. */
  readonly series: readonly string[];
  readonly font: string;
}

const SERIES = 6;

export function readColors(): ChartColors {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colors: ChartColors = {
    text: read("text"),
    muted: read("muted"),
    line: read("line"),
    surface: read("surface"),
    good: read("good-fill"),
    warn: read("warn-fill"),
    bad: read("bad-fill"),
    doubt: read("doubt-fill"),
    info: read("info-fill"),
    series: Array.from({ length: SERIES }, (_, index) => read(`series-${index + 1}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return colors;
}

/** The colour of a provider: the same in every picture. `ids` in configured order, as `/v1/providers` has them. */
export function seriesColor(colors: ChartColors, ids: readonly string[], id: string): string {
  const index = ids.indexOf(id);
  return index === -1 ? colors.muted : (colors.series[index % SERIES] as string);
}

/** Text over everything: for `textStyle` of an option. */
export function textStyle({ muted, font }: ChartColors): object {
  return { color: muted, fontFamily: font, fontSize: 12 };
}

/** As canvas text: the content security policy allows no HTML with style attributes. */
export function tooltip(colors: ChartColors, more: object = {}): object {
  return {
    renderMode: "richText",
    confine: true,
    backgroundColor: colors.surface,
    borderColor: colors.line,
    borderWidth: 1,
    padding: [8, 10],
    textStyle: { ...textStyle(colors), color: colors.text },
    ...more,
  };
}

/** What a time axis writes, by how much time it shows. */
export function timeAxisLabel({ muted, font }: ChartColors, lengthMs: number): object {
  const formatter = lengthMs <= DAY_MS ? "{HH}:{mm}" : "{d} {MMM}";
  return { color: muted, fontFamily: font, fontSize: 11, hideOverlap: true, formatter };
}

const DAY_MS = 86_400_000;

/** Of an axis of categories or time. */
export function axisStyle(colors: ChartColors): object {
  return {
    axisLine: { lineStyle: { color: colors.line } },
    axisTick: { show: false },
    axisLabel: { color: colors.muted, fontFamily: colors.font, fontSize: 11, hideOverlap: true },
    splitLine: { lineStyle: { color: colors.line, type: "dashed" } },
  };
}
