/** The real server, started for a test in a folder of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

/** The program to test: named, else the newest build with the engine, else one without. */
export function find_program(): string | null {
  const places = ['release', 'no-torch'].map((preset) => `${root}build/${preset}/bin/invokeai`);
  const named = process.env.INVOKEAI_PROGRAM;
  return named ?? places.find((place) => existsSync(place)) ?? null;
}

/** Whether pictures come from a model; else they are stripes of the fake engine. */
export function has_engine(program: string): boolean {
  return existsSync(join(program, '../../lib/libinvokeai_engine.so'));
}

const start_time = 30_000; // milliseconds

export interface ServerOptions {
  /** More switches of the program. */
  switches?: string[];
  /** A folder of pictures to serve, which is left as it is; else an empty one. */
  outputs?: string;
  /** The root folder, which must not exist yet; else one of its own among the temporary ones. */
  root?: string;
  /** The fake engine, whatever the build has. */
  fake?: boolean;
}

export class RealServer {
  url = '';
  readonly folder: string;
  private process: ChildProcess | null = null;
  private port = 0;
  private log = '';

  constructor(
    private program: string,
    private options: ServerOptions = {},
  ) {
    this.folder = options.root ?? mkdtempSync(join(tmpdir(), 'invokeai-e2e-'));
    if (options.root) mkdirSync(options.root);
    const demo = `${root}models/demo`;
    for (const name of ['demo', 'other']) {
      cpSync(demo, join(this.folder, 'models', name), { recursive: true });
    }
  }

  get outputs(): string {
    return this.options.outputs ?? join(this.folder, 'outputs');
  }

  /** Starts it, on the same port as before; resolves when it answers. */
  async start(): Promise<void> {
    const env: NodeJS.ProcessEnv = { ...process.env, OMP_NUM_THREADS: '1', GOMP_SPINCOUNT: '0' };
    env.INVOKEAI_WEB_PAGE = `${root}web/dist`;
    if (this.options.fake || !has_engine(this.program)) env.INVOKEAI_ENGINE = 'fake';
    const switches = ['--web', '--host', '127.0.0.1', '--port', String(this.port)];
    const places = ['--root_dir', this.folder, '--outdir', this.outputs, '--model', 'demo'];
    const more = this.options.switches ?? [];
    const child = spawn(this.program, [...switches, ...places, ...more], { env });
    this.process = child;
    const keep = (data: Buffer) => (this.log += data.toString());
    child.stderr.on('data', keep);
    await new Promise<void>((ready, failed) => {
      const say = () => failed(new Error(`The server did not start:\n${this.log}`));
      const timer = setTimeout(say, start_time);
      child.on('exit', say);
      child.stdout.on('data', (data: Buffer) => {
        keep(data);
        const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log);
        if (!found) return;
        clearTimeout(timer);
        child.off('exit', say);
        this.port = Number(found[1]);
        this.url = `http://127.0.0.1:${this.port}/`;
        ready();
      });
    });
  }

  /** Ends it: SIGKILL as a power cut does, SIGINT as Ctrl-C does. */
  async end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null) return;
    this.process = null;
    const gone = new Promise((done) => child.on('exit', done));
    child.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    await this.end('SIGINT');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
