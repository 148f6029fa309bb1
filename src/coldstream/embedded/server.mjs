// The embedded server: node server.mjs '{"packageDir", "port", "optimize", "dataDir" or "template"}'
//
// `dataDir` is a cluster to work in, `template` one to copy into memory. `optimize`: compile again
// what runs often.
//
// Prints one line of JSON, {"port": N}, when it takes connections. Lives as long as its standard
// input stays open: the parent's end closes however the parent dies.

import net from "node:net";
import v8 from "node:v8";
import { Worker } from "node:worker_threads";

import * as wire from "./wire.mjs";

const config = JSON.parse(process.argv[2]);
// Before any of the engine is compiled. A V8 that has no such flag goes on without it.
if (!config.optimize) v8.setFlagsFromString("--liftoff-only");

// How long a newcomer waits while the connection before it looks alive: a client that closes and
// connects again is often seen connecting first.
const GRACE_MS = 250;
// How long it waits for one that is on its way out.
const TEARDOWN_MS = 5_000;
const STARTUP_MS = 10_000;
const SHUTDOWN_MS = 8_000;
// Input the engine has not taken yet; beyond it the client has to wait.
const MAX_UNTAKEN = 8 * 1024 * 1024;

// As large as the engine's own (STACK_BYTES in engine.mjs).
const STACK_MB = 64;

const signal = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(new URL("engine.mjs", import.meta.url), {
  workerData: { ...config, signal: signal.buffer },
  resourceLimits: { stackSizeMb: STACK_MB },
});

function tell(note, transfer) {
  worker.postMessage(note, transfer);
  Atomics.add(signal, 0, 1);
  Atomics.notify(signal, 0);
}

let active = null;
const waiting = [];
let stopping = false;

const server = net.createServer({ noDelay: true, allowHalfOpen: false }, accept);

function accept(socket) {
  let received = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.setTimeout(STARTUP_MS, () => socket.destroy());
  socket.on("data", onStartupData);

  function onStartupData(data) {
    received = Buffer.concat([received, data]);
    while (received.length >= 8) {
      const length = received.readInt32BE(0);
      const code = received.readInt32BE(4);
      if (length < 8 || length > wire.MAX_STARTUP_LENGTH) return void socket.destroy();
      if (received.length < length) return;
      const packet = received.subarray(0, length);
      received = received.subarray(length);
      if (code === wire.SSL_REQUEST || code === wire.GSSENC_REQUEST) {
        socket.write("N");
      } else if (code === wire.CANCEL_REQUEST) {
        // A statement in the engine cannot be interrupted; PostgreSQL too answers with silence.
        return void socket.end();
      } else if (code >> 16 === 3) {
        socket.off("data", onStartupData);
        socket.setTimeout(0);
        // Whatever follows stays in the socket until the session opens.
        socket.pause();
        if (received.length) socket.unshift(received);
        return void admit({ socket, startup: { version: code, parameters: wire.startupParameters(packet) } });
      } else {
        return void refuse(socket, "0A000", "unsupported frontend protocol");
      }
    }
  }
}

function refuse(socket, code, text, hint) {
  socket.end(wire.errorResponse("FATAL", code, text, hint));
}

function admit(client) {
  client.arrived = Date.now();
  if (stopping) return refuse(client.socket, "57P03", "the embedded server is shutting down");
  if (!active) return open(client);
  waiting.push(client);
  client.socket.once("close", () => forget(client));
  client.timer = setTimeout(() => reconsider(client), GRACE_MS);
}

function forget(client) {
  clearTimeout(client.timer);
  const at = waiting.indexOf(client);
  if (at >= 0) waiting.splice(at, 1);
}

function reconsider(client) {
  const patience = client.arrived + TEARDOWN_MS - Date.now();
  if (active.leaving && patience > 0) {
    client.timer = setTimeout(() => reconsider(client), patience);
    return;
  }
  forget(client);
  const { user, application_name: name } = active.startup.parameters;
  refuse(
    client.socket,
    "53300",
    "the embedded server takes one connection at a time, and one is open",
    active.leaving
      ? "The last statement of a client that has gone is still running: try again later."
      : `Close the other connection first (user "${user}"${name ? `, application "${name}"` : ""}), ` +
          "or use a TimescaleDB server.",
  );
}

function open(client) {
  const { socket } = client;
  active = client;
  client.untaken = 0;
  const leave = () => {
    if (client.leaving) return;
    client.leaving = true;
    tell({ eof: true });
  };
  tell({ open: client.startup });
  socket.on("data", (data) => {
    // The thread may be in the next client's session by now.
    if (client.leaving) return;
    client.untaken += data.length;
    if (client.untaken > MAX_UNTAKEN) socket.pause();
    tell({ data });
  });
  socket.on("end", leave);
  socket.on("close", leave);
  if (socket.destroyed) leave();
  else socket.resume();
}

worker.on("message", (note) => {
  if (note.out) {
    if (active.socket.writable) active.socket.write(note.out);
  } else if (note.taken) {
    active.untaken -= note.taken;
    if (active.untaken <= MAX_UNTAKEN / 2) active.socket.resume();
  } else if (note.end) {
    active.leaving = true;
    active.socket.end();
    // Read to the end: closing with input unread would reset the connection, and the client
    // would lose the last error.
    active.socket.resume();
    active.socket.setTimeout(TEARDOWN_MS, active.socket.destroy);
  } else if (note.closed) {
    active = null;
    const next = waiting[0];
    if (next) {
      forget(next);
      open(next);
    }
  } else if (note.ready) {
    server.listen(config.port, "127.0.0.1", () => {
      process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
    });
  } else if (note.stopped) {
    process.exit(0);
  } else if (note.fatal) {
    die(note.fatal);
  }
});
worker.on("error", (error) => die(error.stack));
server.on("error", (error) => die(error.message));

function die(text) {
  process.stderr.write(`${text}\n`, () => process.exit(70));
}

function stop() {
  if (stopping) return;
  stopping = true;
  server.close();
  for (const client of [...waiting]) {
    forget(client);
    refuse(client.socket, "57P03", "the embedded server is shutting down");
  }
  tell({ shutdown: true });
  // A statement that outlasts this is cut off; the write-ahead log repairs the data directory.
  setTimeout(() => process.exit(1), SHUTDOWN_MS);
}

// The parent's end of this pipe closes when the parent stops us, and when it is killed.
process.stdin.on("end", stop).on("error", stop).resume();
// A copy of that pipe may live on in a forked child of the parent.
const parent = process.ppid;
setInterval(() => process.ppid === parent || stop(), 1_000).unref();
// Ctrl-C goes to the whole group; the parent decides.
process.on("SIGINT", () => {});
process.on("SIGTERM", stop);
process.on("SIGHUP", stop);
