// Processes of one script that call each other's functions by name.

import { fork } from "node:child_process";

/** A process that was started, which ends with this one. */
export class Process {
  #child;
  #calls = new Map();
  #number = 0;

  constructor(script, role) {
    // Standard output is for figures.
    this.#child = fork(script, [role], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child.on("message", ({ number, result, error }) => {
      const { resolve, reject } = this.#calls.get(number);
      this.#calls.delete(number);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`${role}: ended (${code})`));
    });
  }

  call(name, argument) {
    const number = this.#number++;
    this.#child.send({ number, name, argument });
    return new Promise((resolve, reject) => this.#calls.set(number, { resolve, reject }));
  }

  /** Calls what answers nothing, so that no answer takes time from what is measured. */
  tell(name, argument) {
    this.#child.send({ name, argument });
  }

  end() {
    this.#child.kill();
  }
}

/** Answers the calls of the process that started this one. */
export function answer(functions) {
  process.on("disconnect", () => process.exit());
  process.on("message", async ({ number, name, argument }) => {
    try {
      const result = await functions[name](argument);
      if (number !== undefined) process.send({ number, result });
    } catch (error) {
      // A call without a number expects no answer. The error ends this process, and its parent
      // notices that.
      if (number === undefined) throw error;
      process.send({ number, error: `${name}: ${error?.message ?? error}` });
    }
  });
}
