// The part of the wire format that tests need to read and change frames: see docs/protocol.md.

export const HELLO = 1;
export const OPEN = 10;
export const OPENED = 11;
export const CLOSED = 12;
/** Codes of `Closed`. */
export const REVOKED = 1;
export const DOWNGRADED = 5;
export const ROLES = { viewer: 0, editor: 1 };

export type Item = number | boolean | null | string | Buffer | Item[] | Fields;
export type Fields = Map<Item, Item>;
export type Frame = [type: number, fields: Fields];

/** In the first byte of an item: how long the number is that follows. */
const LONG = [24, 25, 26, 27];

export function decode(frame: string | Buffer): Frame {
  const bytes = frame as Buffer;
  let at = 0;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const item = (): Item => {
    const first = take(1)[0];
    const [kind, info] = [first >> 5, first & 31];
    if (kind === 7) return { 20: false, 21: true, 22: null }[info]!;
    const number = LONG.includes(info) ? Number(`0x${take(1 << (info - 24)).toString('hex')}`) : info;
    if (kind === 0) return number;
    if (kind === 2) return take(number);
    if (kind === 3) return take(number).toString();
    if (kind === 4) return Array.from({ length: number }, item);
    if (kind === 5) return new Map(Array.from({ length: number }, () => [item(), item()] as const));
    throw new Error(`an item of kind ${kind} in a frame`);
  };
  return item() as Frame;
}

export function encode(item: Item): Buffer {
  const head = (kind: number, number: number): Buffer => {
    const size = [24, 2 ** 8, 2 ** 16, 2 ** 32, Infinity].findIndex((limit) => number < limit);
    const digits = size === 0 ? '' : number.toString(16).padStart(2 ** size, '0');
    return Buffer.from([(kind << 5) | (size === 0 ? number : LONG[size - 1]), ...Buffer.from(digits, 'hex')]);
  };
  if (item === null) return Buffer.from([0xf6]);
  if (typeof item === 'boolean') return Buffer.from([item ? 0xf5 : 0xf4]);
  if (typeof item === 'number') return head(0, item);
  if (typeof item === 'string') return Buffer.concat([head(3, Buffer.byteLength(item)), Buffer.from(item)]);
  if (Buffer.isBuffer(item)) return Buffer.concat([head(2, item.length), item]);
  if (Array.isArray(item)) return Buffer.concat([head(4, item.length), ...item.map(encode)]);
  return Buffer.concat([head(5, item.size), ...[...item].flat().map(encode)]);
}
