// Processes as Linux shows them: who belongs to whom, and how to end them all at once.

import { readFileSync, readdirSync } from 'node:fs';

type Process = { pid: number; parent: number; isAlive: boolean };

function read(pid: number): Process | undefined {
  try {
    // The name comes second, in brackets, and may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\)\s/s, '')
      .split(' ');
    return { pid, parent: Number(parent), isAlive: state !== 'Z' && state !== 'X' };
  } catch {
    // It has ended while we looked.
    return undefined;
  }
}

const all = (): Process[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(Boolean)
    .flatMap((pid) => read(pid) ?? []);

/** The processes that were started with this argument, and all that they have started. */
export function treeOf(argument: string): number[] {
  const processes = all();
  const has = ({ pid }: Process) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false;
    }
  };
  const tree = new Set(processes.filter(has).map(({ pid }) => pid));
  for (let size = 0; size < tree.size; ) {
    size = tree.size;
    for (const { pid, parent } of processes) if (tree.has(parent)) tree.add(pid);
  }
  return [...tree];
}

/** kill -9 of all of them, before one can react to another's end. */
export function killAll(pids: number[]): void {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended by itself.
      }
    }
  };
  signal('SIGSTOP');
  signal('SIGKILL');
}

export const areGone = (pids: number[]): boolean => pids.every((pid) => !read(pid)?.isAlive);
