/**
 * Weighted rendezvous hashing: each provider draws a number from the charge's id and its own, the highest wins. A provider
 * wins `weight / sum of weights` of all charges; when one leaves, only its charges move, and they spread by the others' weights.
 * (ln u / weight is the classic form: the first of several exponential clocks.) Greater is better; never 0.
 */
export function splitScore(chargeId: string, provider: string, weight: number): number {
  return Math.log(uniform(`${chargeId}\n${provider}`)) / weight;
}

/** In (0, 1), by 53 bits of a hash: cyrb53, whose final mixing passes for random at this use. */
function uniform(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return ((b & 0x1fffff) * 4_294_967_296 + (a >>> 0) + 0.5) / 9_007_199_254_740_992;
}
