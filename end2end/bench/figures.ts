// Measured values, as lines that the benchmarks' program reads.

import { writeSync } from 'node:fs';

export type Unit = 'ms' | 'kB' | 'score' | 'count';

/** Past Playwright's reporter, which would change the line. */
export function tell(bench: string, value: number, unit: Unit, peer = 'settee'): void {
  writeSync(1, `\nFIGURE ${bench} ${Number(value.toFixed(4))} ${unit} ${peer}\n`);
}

export const median = (values: number[]): number => percentile(values, 50);

export function percentile(values: number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** The median of each field. */
export function medians<Names extends string>(runs: Record<Names, number>[]): Record<Names, number> {
  const names = Object.keys(runs[0]) as Names[];
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]))])) as Record<Names, number>;
}
