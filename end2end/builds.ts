// The app as it was built, and other builds of it, which tests make of the built one.
//
// SETTEE_SERVER and SETTEE_SITE are paths of a binary and a site folder to use instead of those of
// the debug build. SETTEE_CHROMIUM (see browser.ts) is the path of a browser to use instead of
// Playwright's.

import { cpSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export type Build = {
  /** The binary, with a `hash.txt` beside it. */
  server: string;
  /** The folder of the files that it serves. */
  site: string;
  /** The name of its stylesheet, which each page of this build refers to. */
  stylesheet: string;
};

/** Changes the text of the script that starts the app. */
export type Change = (script: string) => string;

const read = (server: string, site: string): Build => {
  const hash = hashes(server).get('css');
  return { server, site, stylesheet: `settee.${hash}.css` };
};

const hashes = (server: string): Map<string, string> =>
  new Map(
    readFileSync(join(dirname(server), 'hash.txt'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(':').map((part) => part.trim()) as [string, string]),
  );

export const built: Build = read(
  resolve(import.meta.dirname, process.env.SETTEE_SERVER ?? '../target/debug/settee-server'),
  resolve(import.meta.dirname, process.env.SETTEE_SITE ?? '../target/site'),
);

/** The file that has this hash in its name, among those that a page loads. */
function fileName(kind: string, hash: string): string | undefined {
  if (kind in ADDED) return `settee.${hash}.${kind}`;
  // What loads the parts of the program.
  return kind === 'split' ? `__wasm_split.${hash}.js` : undefined;
}

/** What makes a file another one, and leaves what it does as it is. */
const ADDED: Record<string, (name: string) => Buffer> = {
  css: (name) => Buffer.from(`\n.build-${name} { color: red; }\n`),
  js: (name) => Buffer.from(`\n// Build ${name}\n`),
  // A custom section: its number, the length of what follows, the length of its name, and its name.
  wasm: (name) => Buffer.from([0, name.length + 1, name.length, ...Buffer.from(name)]),
};

/** Builds that differ from the built one. They are in its folder, so that the binary can be linked. */
export class Variants {
  private readonly folders: string[] = [];

  add(name: string, change: Change = (script) => script): Build {
    const folder = mkdtempSync(join(dirname(built.server), `build-${name}-`));
    this.folders.push(folder);
    const [server, site] = [join(folder, 'settee-server'), join(folder, 'site')];
    linkSync(built.server, server);
    const isCompressed = (file: string) => /\.(br|gz)$/.test(file);
    cpSync(built.site, site, { recursive: true, filter: (file) => !isCompressed(file) });
    const known = [...hashes(built.server)];
    const renamed = known.flatMap(([kind, hash]) => {
      const before = fileName(kind, hash);
      return before === undefined ? [] : [{ kind, before, after: before.replace(hash, name + hash) }];
    });
    for (const { kind, before, after } of renamed) {
      const [from, to] = [join(site, 'pkg', before), join(site, 'pkg', after)];
      renameSync(from, to);
      const isScript = to.endsWith('.js');
      let content = readFileSync(to);
      if (isScript) {
        // Scripts name each other.
        let script = content.toString();
        for (const other of renamed) script = script.replaceAll(other.before, other.after);
        content = Buffer.from(kind === 'js' ? change(script) : script);
      }
      writeFileSync(to, Buffer.concat([content, ADDED[isScript ? 'js' : kind](name)]));
    }
    const lines = known.map(([kind, hash]) => `${kind}: ${fileName(kind, hash) === undefined ? '' : name}${hash}\n`);
    writeFileSync(join(folder, 'hash.txt'), lines.join(''));
    return read(server, site);
  }

  dispose(): void {
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
}
