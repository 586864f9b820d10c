const SVG = "http://www.w3.org/2000/svg";
/** Along the shortest track; a charge that failed over takes longer, as it does. */
const SPEED_PX_PER_MS = 0.42;
/** Of one layer at once: a burst must not slow the page. */
const MAX_DOTS = 60;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Lets a dot run along a track, once. Nothing moves for who asked for little motion, nor in a tab that nobody sees. */
export function travel(layer: SVGGElement, track: string, tone: string, delayMs: number): void {
  if (still.matches || document.hidden || layer.childElementCount >= MAX_DOTS) return;
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", track);
  const length = path.getTotalLength();
  const dot = document.createElementNS(SVG, "circle");
  dot.setAttribute("r", "6");
  dot.setAttribute("class", `dot ${tone}`);
  dot.setAttribute("visibility", "hidden");
  layer.append(dot);
  const begin = performance.now() + delayMs;
  const step = (now: number) => {
    const gone = (now - begin) * SPEED_PX_PER_MS;
    if (gone >= length || !dot.isConnected) return dot.remove();
    if (gone >= 0) {
      const { x, y } = path.getPointAtLength(gone);
      dot.setAttribute("cx", String(x));
      dot.setAttribute("cy", String(y));
      dot.removeAttribute("visibility");
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
