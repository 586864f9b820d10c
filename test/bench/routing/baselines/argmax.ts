import type { Random } from "../../../../providers/contract/clock.ts";

/** The place of the largest value; between equals a draw decides, as when nothing is known yet. */
export function argmax(values: readonly number[], random: Random): number {
  const most = Math.max(...values);
  const places = values.flatMap((value, place) => (value === most ? [place] : []));
  return places.length === 1 ? places[0]! : places[Math.floor(random() * places.length)]!;
}
