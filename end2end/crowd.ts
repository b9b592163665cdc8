// Native clients: one program that runs several, each with a connection of its own.
//
// SETTEE_CROWD is the path of a binary to use instead of that of the debug build.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { giveWay } from './processes';

const binary = resolve(import.meta.dirname, process.env.SETTEE_CROWD ?? '../target/debug/settee-crowd');

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** The titles that all have in the end, the number of refused todos, and of clients that never synced. */
export type Outcome = { titles: string[]; refused: number; stuck: number };

export class Crowd {
  /** Titles that the server has acknowledged. */
  readonly acknowledged: string[] = [];
  private enough = Infinity;
  private stderr = '';
  private readonly lines: AsyncIterator<string>;
  private outcome?: Promise<Outcome>;

  private constructor(private readonly program: Program) {
    program.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.lines = createInterface(program.stdout)[Symbol.asyncIterator]();
  }

  /**
   * Starts clients that each write to the list of `link` every `pause` milliseconds or so. If they quarrel,
   * all of them have edited one large todo at the same time before.
   */
  static async start(site: string, link: string, clients: number, pause: number, quarrels = false): Promise<Crowd> {
    const url = `${site.replace('http:', 'ws:')}/sync`;
    const options = { url, link, clients, pause };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    if (quarrels) args.push('--quarrel');
    const program = spawn(binary, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    await once(program, 'spawn');
    const crowd = new Crowd(program);
    await crowd.read('ready');
    crowd.outcome = crowd.read('titles');
    // `finish` reports the error.
    crowd.outcome.catch(() => {});
    return crowd;
  }

  /**
   * Lets the clients stop writing once `enough` of their todos are acknowledged, and waits until all
   * of them have the same todos.
   */
  async finish(enough = 0): Promise<Outcome> {
    this.enough = enough;
    this.stopIfEnough();
    return this.outcome!;
  }

  /** Leaves the processors to others that want them. */
  giveWay(): void {
    giveWay(this.program.pid!);
  }

  kill(): void {
    this.program.kill('SIGKILL');
  }

  /** Reads lines of output until one has a field of this name. */
  private async read<Line>(name: string): Promise<Line> {
    for (;;) {
      const { value: line, done } = await this.lines.next();
      if (done) throw new Error(`the crowd has ended:\n${this.stderr}`);
      const fields = JSON.parse(line);
      if ('acknowledged' in fields) this.acknowledged.push(fields.acknowledged);
      this.stopIfEnough();
      if (name in fields) return fields;
    }
  }

  private stopIfEnough(): void {
    if (this.acknowledged.length >= this.enough) this.program.stdin.end();
  }
}
