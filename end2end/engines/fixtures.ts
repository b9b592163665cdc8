// The end-to-end tests' server, and people whose browsers have the engine that the project is named after.

import { expect } from '@playwright/test';
import { test as base } from '../fixtures';
import { engines } from './engines';
import { Person } from './person';

export { expect, type Person };

type Fixtures = {
  /** A new person, whose browser has no data and isn't open. */
  newBrowser: () => Person;
};

export const test = base.extend<Fixtures>({
  newBrowser: async ({ server: _ }, use, info) => {
    const engine = engines[info.project.name];
    const people: Person[] = [];
    await use(() => {
      const person = new Person(engine);
      people.push(person);
      return person;
    });
    for (const [at, person] of people.entries()) {
      if (info.status !== info.expectedStatus) await person.describe(info, `person ${at + 1}`);
      await person.dispose();
    }
    const errors = people.flatMap((person) => person.errors);
    expect(errors, 'no page reports an error').toEqual([]);
  },
});
