// Documents, statistics and output, the same as in `src/documents.rs` and `src/statistics.rs`.

import { randomBytes } from "node:crypto";

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const newId = () => "todo/" + Array.from(randomBytes(26), (byte) => BASE32[byte & 31]).join("");

/** The place of a todo that is the last: a letter for how many digits follow, and the digits. */
function position(number) {
  let length = 1;
  while (number >= DIGITS.length ** length) number -= DIGITS.length ** length++;
  let digits = "";
  for (let place = 0; place < length; place++) {
    digits = DIGITS[number % DIGITS.length] + digits;
    number = Math.floor(number / DIGITS.length);
  }
  return "abcdefghij"[length - 1] + digits;
}

/** New todos, numbered from 0: pairs of an id and the fields. */
export class Todos {
  #count = 0;

  draft() {
    const number = this.#count++;
    const title = `todo number ${number}`;
    return [newId(), { title, completed: false, position: position(number) }];
  }

  drafts(count) {
    return Array.from({ length: count }, () => this.draft());
  }
}

/** Milliseconds on a clock that all processes of the machine share. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

export const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** The value that `percent` of the others don't pass. */
export function percentile(values, percent) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)];
}

export const median = (values) => percentile(values, 50);

/** One line for one figure, which `src/program/peers.rs` reads. */
export function tell(peer, bench, value, unit) {
  console.log(JSON.stringify({ bench, value, unit, peer }));
}
