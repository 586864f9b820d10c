/**
 * Finds card numbers, so that they are refused and never logged (law 11). A card number is a known issuer prefix, a length
 * that is valid for it, and a Luhn check digit; in text it counts
 *   - as an unbroken run of digits, also with only letters around it (`card4111111111111111`),
 *   - in a card's groups, divided by a space or dash (`4111 1111 1111 1111`, `3782-822463-10005`),
 *   - with its digits divided anyhow, when the text holds nothing else (`41-111 1 1111111111`).
 * It does not count inside an id that mixes letters and digits (`pi_3N4111111111111111ab`), nor inside a UUID: one in
 * a hundred thousand random hex ids would be hit, and a billing core that uses them would lose that charge.
 */
export function hasCardNumber(text: string): boolean {
  if (!mayHoldOne(text)) return false;
  const plain = normalize(text);
  return isDividedAnyhow(plain) || findGroups(plain) !== null;
}

/** `text` with every card number in it replaced: for messages of errors that we did not write. */
export function maskCardNumbers(text: string): string {
  if (!mayHoldOne(text)) return text;
  let plain = normalize(text);
  if (isDividedAnyhow(plain)) return MASK;
  for (let found = findGroups(plain); found !== null; found = findGroups(plain)) {
    plain = plain.slice(0, found.start) + MASK + plain.slice(found.end);
  }
  return plain;
}

/** The same for a JSON number as it was written. Up to 12 digits it is an amount; no card that is in use is so short. */
export function numberIsCardNumber(token: string): boolean {
  if (token.length <= 12) return false;
  if (isCardNumber(token)) return true;
  const value = Math.abs(Number(token));
  return Number.isSafeInteger(value) && value >= 1e12 && isCardNumber(String(value));
}

const MASK = "[card number]";
const SHORTEST = 12;
const LONGEST = 19;
const SEPARATORS = /[ -]/g;
/** One pass decides for nearly every text: is there anything like twelve digits? */
const QUICK = /\d(?:[ -]{0,3}\d){11}/;
const NOT_ASCII = /[^\0-\x7f]/;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
/** Digits that may be (part of) a card number: letters on their outside, but no second run of digits in the same word. */
const GROUP = /(?<![0-9A-Za-z])([A-Za-z]*)(\d+)([A-Za-z]*)(?![0-9A-Za-z])/g;

function mayHoldOne(text: string): boolean {
  return text.length >= SHORTEST && (QUICK.test(text) || (NOT_ASCII.test(text) && QUICK.test(normalize(text))));
}

/** Full-width digits, exotic spaces and dashes are a disguise that a copy from a document puts on by itself. */
function normalize(text: string): string {
  const ascii = NOT_ASCII.test(text)
    ? text
        .normalize("NFKC")
        .replace(/[\u200b-\u200d\u2060\ufeff]/g, "")
        .replace(/\s/g, " ")
        .replace(/\p{Pd}|\u2212/gu, "-")
    : text.replace(/\s/g, " ");
  return ascii.replace(UUID, (uuid) => "x".repeat(uuid.length));
}

function isDividedAnyhow(text: string): boolean {
  return /^[\d -]+$/.test(text) && isCardNumber(text.replace(SEPARATORS, ""));
}

interface Group {
  readonly start: number;
  readonly end: number;
  readonly digits: string;
  /** Letters directly before, or after: the number can only start, or end, here. */
  readonly opens: boolean;
  readonly closes: boolean;
}

function findGroups(text: string): { start: number; end: number } | null {
  let line: Group[] = [];
  for (const match of text.matchAll(GROUP)) {
    const [, before = "", digits = "", after = ""] = match;
    const start = match.index + before.length;
    const group = { start, end: start + digits.length, digits, opens: before !== "", closes: after !== "" };
    const last = line.at(-1);
    const joined = last !== undefined && !last.closes && !group.opens && /^[ -]{1,3}$/.test(text.slice(last.end, group.start));
    line = joined ? [...line.slice(-LONGEST), group] : [group];
    const found = endsHere(line);
    if (found) return found;
  }
  return null;
}

/** Whether the last groups of the line make a card number. */
function endsHere(line: readonly Group[]): { start: number; end: number } | null {
  let digits = "";
  for (let i = line.length - 1; i >= 0; i--) {
    const group = line[i] as Group;
    digits = group.digits + digits;
    if (digits.length > LONGEST) return null;
    if (isCardNumber(digits) && isGroupedLikeOne(line.slice(i))) return { start: group.start, end: (line.at(-1) as Group).end };
  }
  return null;
}

/** 4-4-4-4, 4-6-5, 8-8 and their like; or the same small size all along (1-1-1-…, 2-2-2-…). Lists of numbers and phones are not. */
function isGroupedLikeOne(groups: readonly Group[]): boolean {
  const sizes = groups.map((group) => group.digits.length);
  const first = sizes[0] as number;
  const last = sizes.at(-1) as number;
  const middle = sizes.slice(1, -1);
  return (first >= 4 && middle.every((size) => size >= 3)) || (middle.every((size) => size === first) && last <= first);
}

function isCardNumber(digits: string): boolean {
  return digits.length >= SHORTEST && digits.length <= LONGEST && passesLuhn(digits) && hasIssuer(digits);
}

interface Issuer {
  /** First and last prefix, of the same number of digits. */
  readonly from: number;
  readonly to: number;
  readonly lengths: readonly number[];
}

const UP_TO_19 = [16, 17, 18, 19];
/** ISO/IEC 7812 ranges as the networks publish them. UATP (1, 15 digits) is left out: it is every second numeric id. */
const ISSUERS: readonly Issuer[] = [
  { from: 4, to: 4, lengths: [13, 16, 19] }, // Visa
  { from: 51, to: 55, lengths: [16] }, // Mastercard
  { from: 2221, to: 2720, lengths: [16] }, // Mastercard
  { from: 34, to: 34, lengths: [15] }, // American Express
  { from: 37, to: 37, lengths: [15] },
  { from: 6011, to: 6011, lengths: UP_TO_19 }, // Discover
  { from: 644, to: 659, lengths: UP_TO_19 }, // Discover, RuPay, Troy, Verve
  { from: 300, to: 305, lengths: [14, ...UP_TO_19] }, // Diners Club
  { from: 3095, to: 3095, lengths: [14, ...UP_TO_19] },
  { from: 36, to: 36, lengths: [14, 15, ...UP_TO_19] },
  { from: 38, to: 39, lengths: [14, ...UP_TO_19] },
  { from: 3528, to: 3589, lengths: UP_TO_19 }, // JCB
  { from: 62, to: 62, lengths: UP_TO_19 }, // UnionPay
  { from: 81, to: 82, lengths: UP_TO_19 }, // UnionPay, RuPay
  { from: 2200, to: 2205, lengths: UP_TO_19 }, // Mir, Borica
  { from: 60, to: 60, lengths: [16] }, // RuPay, Hipercard, UkrCard
  { from: 9792, to: 9792, lengths: [16] }, // Troy
  { from: 8600, to: 8600, lengths: [16] }, // Uzcard
  { from: 9860, to: 9860, lengths: [16] }, // Humo
  { from: 500, to: 509, lengths: [16, 18, 19] }, // Maestro, Elo, Verve, RuPay
  { from: 56, to: 58, lengths: UP_TO_19 }, // Maestro
  { from: 627780, to: 627780, lengths: [16] }, // Elo
  { from: 636, to: 639, lengths: UP_TO_19 }, // Elo, Hiper, InstaPayment, Maestro
  { from: 67, to: 67, lengths: UP_TO_19 }, // Maestro
  // Maestro cards of 12 to 15 digits exist under these prefixes only
  ...[5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763].map((p) => ({ from: p, to: p, lengths: [12, 13, 14, 15, ...UP_TO_19] })),
];

function hasIssuer(digits: string): boolean {
  return ISSUERS.some(({ from, to, lengths }) => {
    const prefix = Number(digits.slice(0, from < 10 ? 1 : from < 100 ? 2 : from < 1000 ? 3 : from < 10_000 ? 4 : 6));
    return prefix >= from && prefix <= to && lengths.includes(digits.length);
  });
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const value = i % 2 === 0 ? digit : digit * 2;
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}
