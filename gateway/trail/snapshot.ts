/**
 * A PostgreSQL snapshot (`pg_snapshot`, text `xmin:xmax:xip,…`) that sees only the transactions below `xid`: what a sealer
 * has done that took only part of what it saw. Transactions that it saw running below `xid` stay unseen.
 */
export function snapshotBelow(snapshot: string, xid: bigint): string {
  const [xmin = "", xmax = "", running = ""] = snapshot.split(":");
  if (xid >= BigInt(xmax)) return snapshot;
  const below = running.split(",").filter((text) => text !== "" && BigInt(text) < xid);
  const lowest = BigInt(xmin) < xid ? xmin : xid.toString();
  return `${lowest}:${xid}:${below.join(",")}`;
}
