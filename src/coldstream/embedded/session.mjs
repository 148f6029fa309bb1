// One client's session, from its startup packet to a clean engine for the next client.

import * as wire from "./wire.mjs";

// The engine's own command line sets these otherwise than a PostgreSQL server has them.
const BASE = [
  ["search_path", '"$user", public'],
  ["enable_seqscan", "on"],
  ["allow_system_table_mods", "off"],
  ["exit_on_error", "off"],
];

// What a PostgreSQL server reports when it changes (GUC_REPORT). The engine reports no change.
const REPORTED = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "default_transaction_read_only",
  "IntervalStyle",
  "is_superuser",
  "session_authorization",
  "standard_conforming_strings",
  "TimeZone",
];
const SHOW_REPORTED = REPORTED.map((name) => `SHOW ${name}`).join(";");

// Any other type makes the engine stop for good.
const FRONTEND_TYPES = new Set("QPBDECSHFX".split("").map((type) => type.charCodeAt(0)));
const COPY_TYPES = new Set("dcf".split("").map((type) => type.charCodeAt(0)));
const [QUERY, PARSE, SYNC, FUNCTION_CALL, TERMINATE] = ["Q", "P", "S", "F", "X"].map((type) =>
  type.charCodeAt(0),
);

// RESET name, RESET SESSION AUTHORIZATION, SET name TO DEFAULT, SET SESSION AUTHORIZATION DEFAULT.
const TO_DEFAULT = new RegExp(
  String.raw`\breset\s+(session\s+authorization|\w+)` +
    String.raw`|\bset\s+(?:session\s+|local\s+)?(\w+)(?:\s*=|\s+to)?\s*\bdefault\b`,
  "g",
);
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);
const [TAG_SET, TAG_RESET, TAG_ROLLBACK, TAG_DISCARD_ALL] = [
  "SET",
  "RESET",
  "ROLLBACK",
  "DISCARD ALL",
].map((tag) => wire.message("C", tag));

// A login applies these, the most particular last; the engine knows no logins.
const roleSettings = (user) => `
  SELECT unnest(s.setconfig)
  FROM pg_catalog.pg_db_role_setting AS s
  WHERE s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = ${literal(user)}))
    AND s.setdatabase IN
      (0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()))
  ORDER BY s.setrole <> 0, s.setdatabase <> 0`;

// PostgreSQL's own limit on a message.
const MAX_LENGTH = 0x3fffffff;

function literal(text) {
  const quoted = `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
}

export class Session {
  shutdown = false;
  #engine;
  #inbox;
  #outbox;
  #notify;
  #input = Buffer.alloc(0);
  #eof = false;
  #reported = new Map();
  #user = "postgres";
  #defaults = [];
  // A setting may differ from what was reported; one did inside a transaction that is still
  // open; and the names of those that went back to the engine's default ("all": every one).
  #changed = false;
  #uncommitted = false;
  #lost = new Set();

  constructor(engine, inbox, outbox, notify) {
    this.#engine = engine;
    this.#inbox = inbox;
    this.#outbox = outbox;
    this.#notify = notify;
  }

  /** Serves one client until it leaves, then makes the engine as new. */
  serve(startup) {
    this.#input = Buffer.alloc(0);
    this.#eof = false;
    this.#changed = this.#uncommitted = false;
    this.#lost.clear();
    try {
      this.#greet(startup);
      for (let frame; (frame = this.#frame()) !== null && frame[0] !== TERMINATE; ) {
        this.#handle(frame);
      }
    } catch (error) {
      // Any other error is the engine's end.
      if (!(error instanceof wire.SqlError)) {
        this.#outbox.send(
          wire.errorResponse("FATAL", "57P02", "the embedded server's engine has stopped"),
        );
        this.#outbox.flush();
        throw error;
      }
      this.#outbox.send(wire.errorResponse("FATAL", error.code, error.message, error.hint));
    }
    this.#outbox.flush();
    this.#notify({ end: true });
    this.reset();
  }

  /** Ends what a client left open: transaction, temporary tables, locks, settings. */
  reset() {
    // Sync first: after an error the engine ignores everything up to one.
    this.#engine.run(wire.message("S"), () => {}, () => Buffer.alloc(0));
    this.#engine.command("ROLLBACK");
    this.#engine.command("DISCARD ALL");
    this.#engine.command("SET SESSION AUTHORIZATION postgres");
  }

  #set(name, value) {
    this.#engine.command(
      `SELECT pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`,
    );
  }

  /** Becomes the user and takes the settings of this session's login, or those named. */
  #logIn(wanted = () => true) {
    const become = (user) =>
      this.#engine.command(`SET SESSION AUTHORIZATION "${user.replaceAll('"', '""')}"`);
    const identity = wanted("session_authorization");
    // By name: the engine knows no login that RESET SESSION AUTHORIZATION could return to.
    if (identity) become("postgres");
    const [superuser] = this.#engine.command("SHOW is_superuser");
    for (const [name, value] of BASE) {
      // An error here would abort the client's transaction.
      if (name === "allow_system_table_mods" && superuser !== "on") continue;
      if (wanted(name)) this.#set(name, value);
    }
    if (identity && this.#user !== "postgres") become(this.#user);
    for (const [name, value] of this.#defaults) if (wanted(name.toLowerCase())) this.#set(name, value);
  }

  #greet({ version, parameters }) {
    const { user, database = user, options = "", replication, ...settings } = parameters;
    if (!user) throw new wire.SqlError("28000", "no PostgreSQL user name specified in startup packet");
    if (replication) throw new wire.SqlError("0A000", "the embedded server has no replication");
    const [canLogin] = this.#engine.command(
      `SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = ${literal(user)}`,
    );
    if (canLogin === undefined) throw new wire.SqlError("28000", `role "${user}" does not exist`);
    if (canLogin !== "t") throw new wire.SqlError("28000", `role "${user}" is not permitted to log in`);
    if (database !== "postgres") {
      throw new wire.SqlError(
        "3D000",
        `database "${database}" does not exist`,
        'The embedded server has one database, "postgres".',
      );
    }
    const extensions = Object.keys(settings).filter((name) => name.startsWith("_pq_."));
    this.#user = user;
    this.#defaults = [
      ...this.#engine.command(roleSettings(user)).map(wire.nameAndValue),
      ...wire.optionSettings(options),
      ...Object.entries(settings).filter(([name]) => !extensions.includes(name)),
    ];
    this.#logIn();
    const [serverVersion] = this.#engine.command("SHOW server_version");
    const [pid] = this.#engine.command("SELECT pg_catalog.pg_backend_pid()");
    if (version !== wire.PROTOCOL_3_0 || extensions.length) {
      this.#outbox.send(
        wire.message("v", wire.int32(0), wire.int32(extensions.length), ...extensions),
      );
    }
    this.#outbox.send(wire.message("R", wire.int32(0)));
    for (const [name, value] of [
      ["server_version", serverVersion],
      ["server_encoding", "UTF8"],
      ["integer_datetimes", "on"],
      ["in_hot_standby", "off"],
      ["scram_iterations", "4096"],
    ]) {
      this.#outbox.send(wire.parameterStatus(name, value));
    }
    this.#reported.clear();
    this.#report();
    this.#outbox.send(wire.message("K", wire.int32(Number(pid)), wire.int32(0)));
    this.#outbox.send(wire.message("Z", Buffer.from("I")));
  }

  #handle(frame) {
    const type = frame[0];
    // PostgreSQL ignores what is left of a COPY that has already failed.
    if (COPY_TYPES.has(type)) return;
    if (!FRONTEND_TYPES.has(type)) {
      throw new wire.SqlError("08P01", `invalid frontend message type ${type}`);
    }
    let outputs = [];
    let size = 0;
    const sink = (chunk) => {
      outputs.push(chunk);
      size += chunk.length;
      // A large answer is passed on as it comes; what follows needs only its last piece.
      if (size > 64 * 1024) {
        for (const output of outputs) this.#outbox.send(output);
        outputs = [];
        size = 0;
      }
    };
    const moreInput = () => {
      for (const output of outputs) this.#outbox.send(output);
      outputs = [];
      size = 0;
      return this.#frame() ?? wire.message("f", "the client has gone");
    };
    this.#engine.run(frame, sink, moreInput);
    let output = outputs.length === 1 ? outputs[0] : Buffer.concat(outputs);
    this.#watchSettings(frame, output);
    const ready = type === QUERY || type === SYNC || type === FUNCTION_CALL;
    if (ready && output.subarray(-6, -1).equals(READY)) {
      this.#outbox.send(output.subarray(0, -6));
      this.#settle(String.fromCharCode(output[output.length - 1]));
      output = output.subarray(-6);
    }
    this.#outbox.send(output);
  }

  /** Notes what a message may have done to the session's settings. */
  #watchSettings(frame, output) {
    const saw = (done) => output.includes(done);
    if (saw(TAG_SET) || saw(TAG_RESET)) this.#changed = true;
    if (this.#uncommitted && saw(TAG_ROLLBACK)) this.#changed = true;
    if (saw(TAG_DISCARD_ALL)) this.#lost.add("all").add("session_authorization");
    if (frame[0] !== QUERY && frame[0] !== PARSE) return;
    const text = frame.latin1Slice(5).toLowerCase();
    if (text.includes("set_config")) this.#changed = true;
    // Back to the default, which is the login's and not the engine's.
    for (const [, reset, set] of text.matchAll(TO_DEFAULT)) {
      const name = reset ?? set;
      this.#lost.add(/^(session\s+)?authorization$/.test(name) ? "session_authorization" : name);
    }
  }

  /** Reports changed settings between an answer and its ReadyForQuery, as PostgreSQL does. */
  #settle(status) {
    // A failed transaction answers no question; its ROLLBACK comes back here.
    if (status === "E") return;
    const ended = this.#uncommitted && status === "I";
    if (!this.#changed && !this.#lost.size && !ended) return;
    if (this.#lost.size) {
      const everything = this.#lost.has("all");
      // RESET ALL leaves the user alone.
      this.#logIn(
        (name) => this.#lost.has(name) || (everything && name !== "session_authorization"),
      );
    }
    this.#report();
    this.#uncommitted = status === "T";
    this.#changed = false;
    this.#lost.clear();
  }

  #report() {
    const values = this.#engine.command(SHOW_REPORTED);
    REPORTED.forEach((name, i) => {
      if (this.#reported.get(name) === values[i]) return;
      this.#reported.set(name, values[i]);
      this.#outbox.send(wire.parameterStatus(name, values[i]));
    });
  }

  /** The next complete message, blocking for it; null when the client has gone. */
  #frame() {
    if (!this.#fill(5)) return null;
    const length = this.#input.readInt32BE(1);
    if (length < 4 || length > MAX_LENGTH) {
      throw new wire.SqlError("08P01", "invalid message length");
    }
    if (!this.#fill(length + 1)) return null;
    const frame = this.#input.subarray(0, length + 1);
    this.#input = this.#input.subarray(length + 1);
    return frame;
  }

  /** Blocks until `size` bytes of input are there; false when they never will be. */
  #fill(size) {
    if (this.#input.length >= size) return true;
    const chunks = [this.#input];
    let have = this.#input.length;
    // Whatever was answered so far has to be on its way before the thread sleeps.
    this.#outbox.flush();
    while (have < size && !this.#eof) {
      const note = this.#inbox.next();
      if (note.data) {
        chunks.push(Buffer.from(note.data.buffer, note.data.byteOffset, note.data.byteLength));
        have += note.data.byteLength;
        this.#notify({ taken: note.data.byteLength });
      } else if (note.shutdown) {
        this.shutdown = true;
        this.#eof = true;
        this.#outbox.send(
          wire.errorResponse("FATAL", "57P01", "the embedded server is shutting down"),
        );
      } else if (note.eof) {
        this.#eof = true;
      }
    }
    // Joined once, when everything is there: a message of megabytes arrives in many pieces.
    this.#input = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    return have >= size;
  }
}
