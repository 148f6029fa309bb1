// PostgreSQL's wire protocol, version 3: the few messages this server makes or reads itself.
// https://www.postgresql.org/docs/17/protocol-message-formats.html

export const PROTOCOL_3_0 = 196608;
export const CANCEL_REQUEST = 80877102;
export const SSL_REQUEST = 80877103;
export const GSSENC_REQUEST = 80877104;

// PostgreSQL's own limit on a startup packet.
export const MAX_STARTUP_LENGTH = 10_000;

export function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? cstring(part) : part)));
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function cstring(text) {
  return Buffer.from(`${text}\0`);
}

export function int32(value) {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function query(sql) {
  return message("Q", sql);
}

export function errorResponse(severity, code, text, hint) {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${text}`];
  if (hint) fields.push(`H${hint}`);
  return message("E", ...fields, Buffer.alloc(1));
}

export function parameterStatus(name, value) {
  return message("S", name, value);
}

/** The name-value pairs of a startup packet: `{user, database, options, ...}`. */
export function startupParameters(packet) {
  const words = packet.toString("utf8", 8).split("\0");
  const parameters = {};
  for (let i = 0; i + 1 < words.length && words[i] !== ""; i += 2) {
    parameters[words[i]] = words[i + 1];
  }
  return parameters;
}

/** An error as PostgreSQL has them, with its SQLSTATE. */
export class SqlError extends Error {
  constructor(code, text, hint) {
    super(text);
    this.code = code;
    this.hint = hint;
  }
}

/** Splits `name=value`. */
export function nameAndValue(setting) {
  const equals = setting.indexOf("=");
  if (equals < 1) throw new SqlError("22023", `-c ${setting} requires a value`);
  return [setting.slice(0, equals), setting.slice(equals + 1)];
}

/** Settings in a startup packet's `options`: `-c name=value`, `-cname=value`, `--name=value`. */
export function optionSettings(options) {
  const words = [...options.matchAll(/(?:\\.|[^\s\\])+/gs)].map(([word]) =>
    word.replace(/\\(.)/gs, "$1"),
  );
  const settings = [];
  for (let i = 0; i < words.length; i++) {
    let setting = words[i];
    if (setting === "-c") setting = words[++i] ?? "";
    else if (setting.startsWith("--")) setting = setting.slice(2);
    else if (setting.startsWith("-c")) setting = setting.slice(2);
    else throw new SqlError("22023", `invalid command-line argument for server process: ${setting}`);
    const [name, value] = nameAndValue(setting);
    settings.push([name.replaceAll("-", "_"), value]);
  }
  return settings;
}

/** Splits complete backend messages into `{type, body}`. */
export function* messages(bytes) {
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    yield { type: String.fromCharCode(bytes[at]), body: bytes.subarray(at + 5, end) };
    at = end;
  }
}

/** The fields of an ErrorResponse: `{S, C, M, H, ...}`. */
export function errorFields(body) {
  const fields = {};
  for (const field of body.toString("utf8").split("\0")) {
    if (field) fields[field[0]] = field.slice(1);
  }
  return fields;
}

/** The first column of a DataRow as text, or null. */
export function firstColumn(body) {
  const length = body.readInt32BE(2);
  return length < 0 ? null : body.toString("utf8", 6, 6 + length);
}
