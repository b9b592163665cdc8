// Clients without a browser: one program that is several people, each with a connection of their own.
//
// SETTEE_CROWD names another binary than a debug build's.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const binary = resolve(import.meta.dirname, process.env.SETTEE_CROWD ?? '../target/debug/settee-crowd');

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** What all of them have in the end, how much was refused, and how many never got so far. */
export type Outcome = { titles: string[]; refused: number; stuck: number };

export class Crowd {
  /** Titles that the server has acknowledged. */
  readonly acknowledged: string[] = [];
  private enough = Infinity;
  private complaints = '';
  private readonly lines: AsyncIterator<string>;
  private outcome?: Promise<Outcome>;

  private constructor(private readonly program: Program) {
    program.stderr.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    this.lines = createInterface(program.stdout)[Symbol.asyncIterator]();
  }

  /** So many people on the list that the link leads to, who write once in so many milliseconds each. */
  static async gather(site: string, link: string, clients: number, pause: number): Promise<Crowd> {
    const url = `${site.replace('http:', 'ws:')}/sync`;
    const options = { url, link, clients, pause };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const program = spawn(binary, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    await once(program, 'spawn');
    const crowd = new Crowd(program);
    await crowd.hear('ready');
    crowd.outcome = crowd.hear('titles');
    // Whoever asks for it gets to know what went wrong.
    crowd.outcome.catch(() => {});
    return crowd;
  }

  /**
   * They stop writing once so many of their todos are acknowledged, and wait until all have the
   * same.
   */
  async finish(enough = 0): Promise<Outcome> {
    this.enough = enough;
    this.stopIfEnough();
    return this.outcome!;
  }

  disperse(): void {
    this.program.kill('SIGKILL');
  }

  /** Listens until it says something with this name in it. */
  private async hear<Said>(name: string): Promise<Said> {
    for (;;) {
      const { value: line, done } = await this.lines.next();
      if (done) throw new Error(`the crowd has ended:\n${this.complaints}`);
      const said = JSON.parse(line);
      if ('acknowledged' in said) this.acknowledged.push(said.acknowledged);
      this.stopIfEnough();
      if (name in said) return said;
    }
  }

  private stopIfEnough(): void {
    if (this.acknowledged.length >= this.enough) this.program.stdin.end();
  }
}
