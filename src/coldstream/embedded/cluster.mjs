// Makes a new database cluster in a directory: node cluster.mjs PACKAGE_DIR TARGET_DIR
//
// Done once for each version of the engine; every server then starts from a copy of the result,
// which takes a second where making a cluster takes five.

import path from "node:path";
import { pathToFileURL } from "node:url";

const [packageDir, target] = process.argv.slice(2);
const dist = pathToFileURL(`${path.join(packageDir, "dist")}${path.sep}`);
const { PGlite } = await import(new URL("index.js", dist));
const { timescaledb } = await import(new URL("timescaledb/index.js", dist));

// A new cluster can only be entered through template1; "postgres" exists from the second start.
await (await PGlite.create({ dataDir: target, extensions: { timescaledb } })).close();

const db = await PGlite.create({
  dataDir: target,
  database: "postgres",
  extensions: { timescaledb },
});
await db.exec("CREATE EXTENSION timescaledb");
await db.exec("CHECKPOINT");
await db.close();
process.exit(0);
