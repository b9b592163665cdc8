// The server binary, which tests start, kill, freeze and restart.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built, type Build } from './builds';
import { giveWay } from './processes';

/** Maximum time to start, in milliseconds. */
const START_TIMEOUT = 30_000;

export class Server {
  /** Whether it was ever unreachable. Only then may a page report failed connections. */
  wasUnreachable = false;
  /** Everything that it has written to stdout and stderr since its first start. */
  log = '';
  /** Flags for its next start. */
  flags: string[] = [];
  /** What it serves from its next start on. */
  build: Build = built;
  private port = 0;
  private process?: ChildProcess;
  private readonly directory = mkdtempSync(join(tmpdir(), 'settee-server-'));

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.process !== undefined;
  }

  /** Starts on a free port the first time, and on the same port after that. */
  async start(): Promise<void> {
    if (this.process) throw new Error('the server is running already');
    const child = spawn(this.build.server, ['--listen', `127.0.0.1:${this.port}`, '--data', this.directory, ...this.flags], {
      // The server must not depend on the working folder.
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        LEPTOS_SITE_ROOT: this.build.site,
        LEPTOS_OUTPUT_NAME: 'settee',
        LEPTOS_SITE_PKG_DIR: 'pkg',
        LEPTOS_HASH_FILES: 'true',
      },
    });
    this.process = child;
    const start = this.log.length;
    const port = await new Promise<number>((found, failed) => {
      const timer = setTimeout(
        () => failed(new Error(`the server printed no address:\n${this.log.slice(start)}`)),
        START_TIMEOUT,
      );
      const listen = (chunk: Buffer) => {
        this.log += chunk.toString();
        const address = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log.slice(start));
        if (address) {
          clearTimeout(timer);
          found(Number(address[1]));
        }
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
      child.once('error', (error) => {
        clearTimeout(timer);
        failed(error);
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        failed(new Error(`the server ended with ${code}:\n${this.log.slice(start)}`));
      });
    }).catch((error) => {
      child.kill('SIGKILL');
      this.process = undefined;
      throw error;
    });
    this.port = port;
  }

  /** Which of these secrets stand in its log or in its files, as text or as bytes. */
  found(secrets: Iterable<string>): string[] {
    const names = readdirSync(this.directory, { recursive: true, encoding: 'utf8' });
    const paths = names.map((name) => join(this.directory, name)).filter((path) => statSync(path).isFile());
    const kept = [Buffer.from(this.log), ...paths.map((path) => readFileSync(path))];
    const isKept = (secret: string) =>
      kept.some((bytes) => bytes.includes(secret) || bytes.includes(Buffer.from(secret, 'base64url')));
    return [...secrets].filter(isKept);
  }

  /** kill -9: it can't write anything more. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Shuts it down in an orderly way. Returns its exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** Stops the process: connections stay open, and nothing answers. */
  freeze(): void {
    this.wasUnreachable = true;
    this.process?.kill('SIGSTOP');
  }

  /** Leaves the processors to others that want them. */
  giveWay(): void {
    if (this.process) giveWay(this.process.pid!);
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  /** Goes on with another build at the same address. */
  async replace(build: Build): Promise<void> {
    await this.stop();
    this.build = build;
    await this.start();
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    if (!child) return null;
    this.wasUnreachable = true;
    this.process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = await ended;
    return code;
  }
}
