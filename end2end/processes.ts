// Finding and killing trees of processes, by Linux's /proc.

import { readFileSync, readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

type Process = { pid: number; parent: number; isAlive: boolean };

function read(pid: number): Process | undefined {
  try {
    // The name is the second field, in brackets, and may contain anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\)\s/s, '')
      .split(' ');
    return { pid, parent: Number(parent), isAlive: state !== 'Z' && state !== 'X' };
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}

const all = (): Process[] =>
  readdirSync('/proc')
    .map(Number)
    .filter(Boolean)
    .flatMap((pid) => read(pid) ?? []);

/** The processes that were started with this argument, and all their descendants. */
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

/** kill -9 of all of them. They are stopped first, so that none reacts to another's end. */
export function killAll(pids: number[]): void {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // The process has ended already.
      }
    }
  };
  signal('SIGSTOP');
  signal('SIGKILL');
}

export const areGone = (pids: number[]): boolean => pids.every((pid) => !read(pid)?.isAlive);

/** Lets a process run only when no other wants its processor. */
export function giveWay(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
}
