/** Drawn here, on a grid of 20: a font of icons would be one more file for a few shapes. */
const SHAPES = {
  overview: "M3 11l4-4 3 3 7-7M3 17h14",
  providers: "M4 4h12v4H4zM4 12h12v4H4zM7 6h.01M7 14h.01",
  routing: "M3 6h5c3 0 3 8 6 8h3M3 14h5c3 0 3-8 6-8h3",
  charges: "M3 5h14v10H3zM3 9h14M6 12h3",
  queue: "M4 5h12M4 10h12M4 15h7",
  reconciliation: "M4 7h11l-3-3M16 13H5l3 3",
  audit: "M6 3h8v14H6zM9 7h2M9 10h2M9 13h2",
  sandbox: "M8 3h4M9 3v5l-5 8h12l-5-8V3",
  menu: "M3 6h14M3 10h14M3 14h14",
  out: "M8 4H4v12h4M12 7l3 3-3 3M15 10H8",
} as const;

export type IconName = keyof typeof SHAPES;

/** Only beside words: it says nothing to who cannot see it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      width="18"
      height="18"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
