/** A place in the order: a lower tier first, then a higher score, then a lower priority. */
export interface Rank {
  readonly tier: number;
  readonly score: number;
  readonly priority: number;
}

/** Negative: `a` comes first. */
export function compareRanks(a: Rank, b: Rank): number {
  return a.tier - b.tier || b.score - a.score || a.priority - b.priority;
}

/** Where a coin may put one contender. */
export interface Entrant {
  /** With `chance`, else `otherwise`. */
  readonly rank: Rank;
  readonly otherwise: Rank;
  /** 0 to 1; 1: no coin is tossed. */
  readonly chance: number;
}

/**
 * The probability of each to come first when all toss their coins independently: exact, by every place of one against
 * all places of the others. Equal ranks: the earlier entrant.
 */
export function chancesToBeFirst(entrants: readonly Entrant[]): number[] {
  return entrants.map((one, i) => {
    const at = (rank: Rank, chance: number): number => {
      let p = chance;
      for (let j = 0; p > 0 && j < entrants.length; j++) if (j !== i) p *= chanceBehind(entrants[j]!, rank, i < j);
      return p;
    };
    return at(one.rank, one.chance) + at(one.otherwise, 1 - one.chance);
  });
}

function chanceBehind(other: Entrant, rank: Rank, wins: boolean): number {
  const behind = (place: Rank): boolean => {
    const order = compareRanks(rank, place);
    return order < 0 || (order === 0 && wins);
  };
  return (behind(other.rank) ? other.chance : 0) + (behind(other.otherwise) ? 1 - other.chance : 0);
}
