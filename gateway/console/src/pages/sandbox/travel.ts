const SVG = "http://www.w3.org/2000/svg";
/** Along the shortest track; a charge that failed over takes longer, as it does. */
const SPEED_PX_PER_MS = 0.42;
/** Of one layer at once: a burst must not slow the page. */
const MAX_DOTS = 60;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Points of a track, this far apart: measured once, because measuring is slow and tracks are few. */
const POINT_PX = 4;
const tracks = new Map<string, readonly DOMPoint[]>();

/** Lets a dot run along a track, once. Nothing moves for who asked for little motion, nor in a tab that nobody sees. */
export function travel(layer: SVGGElement, track: string, tone: string, delayMs: number): void {
  if (still.matches || document.hidden || layer.childElementCount >= MAX_DOTS) return;
  const points = pointsOf(track);
  const dot = document.createElementNS(SVG, "circle");
  dot.setAttribute("r", "6");
  dot.setAttribute("class", `dot ${tone}`);
  dot.setAttribute("visibility", "hidden");
  layer.append(dot);
  const begin = performance.now() + delayMs;
  const step = (now: number) => {
    const gone = Math.floor(((now - begin) * SPEED_PX_PER_MS) / POINT_PX);
    const point = points[Math.max(0, gone)];
    if (point === undefined || !dot.isConnected) return dot.remove();
    if (gone >= 0) {
      dot.setAttribute("transform", `translate(${point.x} ${point.y})`);
      dot.setAttribute("visibility", "visible");
    }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function pointsOf(track: string): readonly DOMPoint[] {
  const known = tracks.get(track);
  if (known !== undefined) return known;
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", track);
  const length = path.getTotalLength();
  const points = Array.from({ length: Math.ceil(length / POINT_PX) }, (_, index) => path.getPointAtLength(index * POINT_PX));
  tracks.set(track, points);
  return points;
}
