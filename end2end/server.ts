// The real server binary, as the tests start, kill, freeze and restart it.
//
// SETTEE_SERVER and SETTEE_SITE name another binary and site folder than a debug build's,
// SETTEE_CHROMIUM (see fixtures.ts) another browser than Playwright's own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const binary = resolve(import.meta.dirname, process.env.SETTEE_SERVER ?? '../target/debug/settee-server');
export const site = resolve(import.meta.dirname, process.env.SETTEE_SITE ?? '../target/site');

const STARTS_WITHIN = 30_000;

export class Server {
  /** Whether it was ever out of reach: only then may a page report failed connections. */
  wasDown = false;
  /** Everything that it has written to stdout and stderr, over all its lives. */
  log = '';
  private port = 0;
  private process?: ChildProcess;
  private readonly directory = mkdtempSync(join(tmpdir(), 'settee-server-'));

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.process !== undefined;
  }

  /** Starts on any free port the first time, and on the same one ever after. */
  async start(): Promise<void> {
    if (this.process) throw new Error('the server runs already');
    const child = spawn(binary, ['--listen', `127.0.0.1:${this.port}`, '--data', this.directory], {
      // Any working folder must do.
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        LEPTOS_SITE_ROOT: site,
        LEPTOS_OUTPUT_NAME: 'settee',
        LEPTOS_SITE_PKG_DIR: 'pkg',
        LEPTOS_HASH_FILES: 'true',
      },
    });
    this.process = child;
    const said = this.log.length;
    const port = await new Promise<number>((found, failed) => {
      const late = setTimeout(
        () => failed(new Error(`the server printed no address:\n${this.log.slice(said)}`)),
        STARTS_WITHIN,
      );
      const listen = (chunk: Buffer) => {
        this.log += chunk.toString();
        const address = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log.slice(said));
        if (address) {
          clearTimeout(late);
          found(Number(address[1]));
        }
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
      child.once('error', (error) => {
        clearTimeout(late);
        failed(error);
      });
      child.once('exit', (code) => {
        clearTimeout(late);
        failed(new Error(`the server ended with ${code}:\n${this.log.slice(said)}`));
      });
    }).catch((error) => {
      child.kill('SIGKILL');
      this.process = undefined;
      throw error;
    });
    this.port = port;
  }

  /** kill -9: it gets no chance to write anything more. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Asks it to end, and says with which exit code it did. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** Silence without a goodbye: connections stay open and nobody answers. */
  freeze(): void {
    this.wasDown = true;
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    if (!child) return null;
    this.wasDown = true;
    this.process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = await ended;
    return code;
  }
}
