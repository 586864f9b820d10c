import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** CPU seconds, user and system, of a process and all its descendants, by program name; also of children that have ended. */
export type CpuSeconds = Readonly<Record<string, number>>;

/** Linux only: elsewhere there is no cheap way to the time of children that have ended. */
export const canMeasureCpu = existsSync("/proc/self/stat");

const ticksPerSecond = canMeasureCpu ? Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) : 1;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly seconds: number;
}

/** Of each root process with its descendants, all from one look at the process table. */
export function cpuSeconds(roots: readonly number[]): CpuSeconds {
  if (!canMeasureCpu) return {};
  const table = readdirSync("/proc").flatMap((entry) => (/^\d+$/.test(entry) ? (readRow(entry) ?? []) : []));
  const wanted = new Set(roots);
  for (let size = 0; size < wanted.size; ) {
    size = wanted.size;
    for (const { pid, parent } of table) if (wanted.has(parent)) wanted.add(pid);
  }
  const sums: Record<string, number> = {};
  for (const { pid, name, seconds } of table) if (wanted.has(pid)) sums[name] = (sums[name] ?? 0) + seconds;
  return sums;
}

/** CPU seconds that the whole machine has worked since it was started. */
export function machineBusySeconds(): number {
  if (!canMeasureCpu) return Number.NaN;
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}

export function total(cpu: CpuSeconds): number {
  return Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0);
}

export function since(before: CpuSeconds, after: CpuSeconds): CpuSeconds {
  return Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));
}

/** proc_pid_stat(5): the name is in parentheses and may hold anything; null when the process is gone. */
function readRow(pid: string): Row | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [user, system, childrensUser, childrensSystem] = fields.slice(11, 15).map(Number) as [number, number, number, number];
    return {
      pid: Number(pid),
      parent: Number(fields[1]),
      name: programOf(text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"))),
      seconds: (user + system + childrensUser + childrensSystem) / ticksPerSecond,
    };
  } catch {
    return null;
  }
}

/** Node calls its main thread so. */
function programOf(name: string): string {
  return name === "MainThread" || name.startsWith("node") ? "node" : name;
}
