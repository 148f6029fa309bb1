// The database engine's thread: one session after another, each a plain blocking loop.
//
// The engine is synchronous WebAssembly. In a thread of its own it can block for input like any
// PostgreSQL backend (which is what makes COPY FROM STDIN work), while the main thread goes on
// answering connections and signals during a long statement.
//
// From the main thread: {open: parameters}, {data: Uint8Array}, {eof: true}, {shutdown: true}.
// To the main thread: {ready}, {out: Uint8Array}, {taken: bytes}, {end: true} (say goodbye to this
// client), {closed: true} (the next session may open), {fatal: text}, {stopped: true}.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";

import { Session } from "./session.mjs";
import * as wire from "./wire.mjs";

// Where the engine keeps a cluster in its own file system.
const MEMORY_PGDATA = "/tmp/pglite/base";
// The engine's own stack overflows, and overwrites its data, at some 50 nested PL/pgSQL calls.
// The thread's stack (resourceLimits in server.mjs) grows along with it and is as large.
const STACK_BYTES = 64 * 1024 * 1024;
const FLUSH_AT = 256 * 1024;

class Inbox {
  constructor(signal) {
    this.signal = signal;
  }

  next() {
    for (;;) {
      // Read before looking: a message posted after the look has changed the counter, so the
      // wait returns at once instead of missing it.
      const seen = Atomics.load(this.signal, 0);
      const received = receiveMessageOnPort(parentPort);
      if (received) return received.message;
      Atomics.wait(this.signal, 0, seen);
    }
  }
}

class Engine {
  #module;
  #frame = Buffer.alloc(0);
  #offset = 0;
  #moreInput = () => null;
  #sink = null;

  static async start({ packageDir, dataDir, template }) {
    const dist = pathToFileURL(`${path.join(packageDir, "dist")}${path.sep}`);
    const { PGlite } = await import(new URL("index.js", dist));
    const { timescaledb } = await import(new URL("timescaledb/index.js", dist));
    const db = await PGlite.create({
      dataDir: dataDir ?? "memory://",
      database: "postgres",
      extensions: dataDir ? { timescaledb } : { timescaledb, memory: copyInto(template) },
    });
    const engine = new Engine(db.Module);
    engine.#moveStack();
    // Without this the extension's hooks are missing until the first call of one of its
    // functions, and an INSERT into a hypertable fails.
    engine.command("LOAD 'timescaledb'");
    return engine;
  }

  constructor(module) {
    this.#module = module;
    // Our own callbacks instead of the package's: its own parse every message and keep the
    // parsed results of a whole session in memory.
    const read = module.addFunction((pointer, size) => this.#read(pointer, size), "iii");
    const write = module.addFunction((pointer, size) => this.#write(pointer, size), "iii");
    module._set_read_write_cbs(read, write);
  }

  /** Between two messages nothing lives on the stack, so it can be anywhere. */
  #moveStack() {
    const lowest = this.#module._malloc(STACK_BYTES);
    if (!lowest) throw new Error("no memory for the engine's stack");
    this.#module.___stack_pointer.value = (lowest + STACK_BYTES - 64) & ~15;
  }

  #read(pointer, size) {
    if (this.#offset === this.#frame.length) {
      // Only COPY FROM STDIN asks for more than the message it was given.
      this.#frame = this.#moreInput();
      this.#offset = 0;
    }
    const length = Math.min(size, this.#frame.length - this.#offset);
    // HEAPU8 is looked up each time: growing the memory replaces it.
    this.#module.HEAPU8.set(this.#frame.subarray(this.#offset, this.#offset + length), pointer);
    this.#offset += length;
    return length;
  }

  #write(pointer, size) {
    this.#sink(Buffer.from(this.#module.HEAPU8.slice(pointer, pointer + size).buffer));
    return size;
  }

  /** Runs one frontend message. Input beyond it comes from `moreInput`, output goes to `sink`. */
  run(frame, sink, moreInput) {
    this.#frame = frame;
    this.#offset = 0;
    this.#sink = sink;
    this.#moreInput = moreInput;
    this.#module._interactive_one(frame.length, frame[0]);
  }

  /** Runs SQL of our own; returns the first column of every row. Throws on an error. */
  command(sql) {
    const chunks = [];
    this.run(
      wire.query(sql),
      (chunk) => chunks.push(chunk),
      () => wire.message("f", "no input"),
    );
    const rows = [];
    for (const { type, body } of wire.messages(Buffer.concat(chunks))) {
      if (type === "E") {
        const { C: code, M: text, H: hint } = wire.errorFields(body);
        throw new wire.SqlError(code, text, hint);
      }
      if (type === "D") rows.push(wire.firstColumn(body));
    }
    return rows;
  }

  close() {
    this.command("CHECKPOINT");
    this.run(
      wire.message("X"),
      () => {},
      () => Buffer.alloc(0),
    );
    this.#module._pgl_shutdown();
  }
}

/** Fills the engine's file system in memory with a cluster from disk, before the engine looks. */
function copyInto(template) {
  const copy = (FS, from, to) => {
    FS.mkdirTree(to);
    for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
      const [source, target] = [path.join(from, entry.name), `${to}/${entry.name}`];
      if (entry.isDirectory()) copy(FS, source, target);
      else FS.writeFile(target, fs.readFileSync(source));
    }
  };
  const setup = async (_db, options) => ({
    emscriptenOpts: {
      ...options,
      preRun: [...options.preRun, (module) => copy(module.FS, template, MEMORY_PGDATA)],
    },
  });
  return { name: "memory", setup };
}

class Outbox {
  #chunks = [];
  #size = 0;

  send(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= FLUSH_AT) this.flush();
  }

  flush() {
    if (!this.#size) return;
    // A buffer of its own: small Buffers share one pool, and a transfer would take it away.
    const out = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    this.#size = 0;
    parentPort.postMessage({ out }, [out.buffer]);
  }
}

async function main() {
  const inbox = new Inbox(new Int32Array(workerData.signal));
  const engine = await Engine.start(workerData);
  const outbox = new Outbox();
  const session = new Session(engine, inbox, outbox, (note) => parentPort.postMessage(note));
  session.reset();
  parentPort.postMessage({ ready: true });
  for (;;) {
    const note = inbox.next();
    if (note.open) {
      session.serve(note.open);
      parentPort.postMessage({ closed: true });
    }
    if (note.shutdown || session.shutdown) break;
  }
  engine.close();
  parentPort.postMessage({ stopped: true });
}

try {
  await main();
} catch (error) {
  parentPort.postMessage({ fatal: error.stack ?? String(error) });
}
