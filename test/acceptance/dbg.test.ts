import { it } from "vitest";
import { startWorld, sleep } from "./harness.ts";
import { chargeAll, ignoreHealth, startStorm } from "./storm.ts";
it("x", {timeout: 90000}, async () => {
  const world = await startWorld({ postgres: "own" });
  const gs = await Promise.all([world.start(), world.start()]);
  for (const g of gs) void g.ended.then((code) => console.log("ENDED", code, g.log().slice(-6000)));
  const calm = startStorm(world.sandbox, 0.15);
  await ignoreHealth(gs[0].url);
  let doing: Promise<void> = Promise.resolve();
  void chargeAll(world, { prefix: "p", count: 150, between(done) {
        if (done === 40) doing = doing.then(() => world.postgres.restart()).then(()=>console.log("restarted"));
        if (done === 90) doing = doing.then(() => world.postgres.kill9()).then(() => world.postgres.start()).then(()=>console.log("killed and started"));
  }}).catch(()=>{});
  await sleep(40000);
  console.log("closing");
  await world.close();
});
