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
    // Of the same length, for the program has some of the names in it.
    const rename = (hash: string) => (name + hash).slice(0, hash.length);
    const known = [...hashes(built.server)].map(([kind, hash]) => ({ kind, hash, file: fileName(kind, hash) }));
    const lines = known.map(({ kind, hash, file }) => {
      if (file === undefined) return `${kind}: ${hash}\n`;
      const renamed = join(site, 'pkg', file.replace(hash, rename(hash)));
      renameSync(join(site, 'pkg', file), renamed);
      // Files name each other.
      let text = readFileSync(renamed).toString('latin1');
      for (const other of known) text = text.replaceAll(other.hash, other.file ? rename(other.hash) : other.hash);
      let content = Buffer.from(text, 'latin1');
      if (kind === 'js') content = Buffer.from(change(content.toString()));
      const ending = kind === 'split' ? 'js' : kind;
      writeFileSync(renamed, Buffer.concat([content, ADDED[ending](name)]));
      return `${kind}: ${rename(hash)}\n`;
    });
    writeFileSync(join(folder, 'hash.txt'), lines.join(''));
    return read(server, site);
  }

  dispose(): void {
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
}
