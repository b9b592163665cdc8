// A door in front of the server: what can happen to a network happens here.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from './server';

/** In so many steps a second passes what has to pass slowly. */
const STEPS = 20;

type Passage = { visitor: Socket; inside: Socket; isSwallowed: boolean };

export class Door {
  /** Bytes a second, in each direction of each connection. */
  private rate = Infinity;
  private isShut = false;
  private readonly passages = new Set<Passage>();
  private readonly frame = createServer((visitor) => this.letIn(visitor));
  private hear = (_bytes: Buffer) => {};

  private constructor(private readonly server: Server) {}

  static async before(server: Server): Promise<Door> {
    const door = new Door(server);
    door.frame.listen(0, '127.0.0.1');
    await once(door.frame, 'listening');
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.frame.address() as AddressInfo).port}`;
  }

  /** Breaks connections, each with this chance, and says how many. Both sides are told. */
  cut(chance = 1): number {
    const chosen = this.choose(chance);
    for (const { visitor, inside } of chosen) {
      visitor.resetAndDestroy();
      inside.resetAndDestroy();
    }
    return chosen.length;
  }

  /**
   * Lets nothing through any more on connections, each with this chance, and says on how many.
   * Neither side is told: the connections stay open, for ever.
   */
  swallow(chance = 1): number {
    const chosen = this.choose(chance);
    for (const passage of chosen) passage.isSwallowed = true;
    return chosen.length;
  }

  /** Swallows what comes on all connections that there are, and on new ones until it is opened. */
  shut(): void {
    this.isShut = true;
    this.swallow();
  }

  /** Lets new connections through. What is swallowed stays so. */
  open(): void {
    this.isShut = false;
  }

  /** Lets so many bytes a second through from now on, in each direction of each connection. */
  throttle(rate: number): void {
    this.rate = rate;
  }

  /** Writes down every byte on its way in from now on. */
  listenIn(): () => string {
    let heard = '';
    this.hear = (bytes) => (heard += bytes.toString('latin1'));
    return () => heard;
  }

  close(): void {
    this.server.wasDown = true;
    this.frame.close();
    for (const { visitor, inside } of this.passages) {
      visitor.destroy();
      inside.destroy();
    }
  }

  private choose(chance: number): Passage[] {
    const passing = [...this.passages].filter(({ isSwallowed }) => !isSwallowed);
    const chosen = passing.filter(() => Math.random() < chance);
    if (chosen.length > 0) this.server.wasDown = true;
    return chosen;
  }

  private letIn(visitor: Socket): void {
    const inside = connect(Number(new URL(this.server.url).port), '127.0.0.1');
    const passage = { visitor, inside, isSwallowed: this.isShut };
    this.passages.add(passage);
    for (const [one, other] of [[visitor, inside], [inside, visitor]]) {
      one.setNoDelay();
      // What ends with an error is closed as well.
      one.on('error', () => {});
      one.on('close', () => {
        if (!passage.isSwallowed) other.destroy();
        if (other.destroyed) this.passages.delete(passage);
      });
    }
    this.carry(visitor, inside, passage);
    this.carry(inside, visitor, passage);
  }

  private async carry(from: Socket, to: Socket, passage: Passage): Promise<void> {
    try {
      for await (const bytes of from) {
        if (from === passage.visitor) this.hear(bytes);
        for (let at = 0; at < bytes.length && !passage.isSwallowed; ) {
          if (this.rate < Infinity) await pause(1000 / STEPS);
          const end = Math.min(bytes.length, at + Math.ceil(this.rate / STEPS));
          if (!to.write(bytes.subarray(at, end))) await once(to, 'drain');
          at = end;
        }
      }
      if (!passage.isSwallowed) to.end();
    } catch {
      // One of the two is closed, and sees to the other.
    }
  }
}
