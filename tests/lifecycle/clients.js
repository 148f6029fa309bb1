// CLIENT DSN stream|last|category NAME [COUNT]: prints [stream name, position, global position] of each.
const { Pool } = require('pg');

const [client, dsn, what, name, count] = process.argv.slice(2);
const pool = new Pool({ connectionString: dsn });

async function pg() {
  if (what === 'category') {
    const found = [];
    let position = 1;
    for (;;) {
      const page = await pool.query('SELECT * FROM get_category_messages($1, $2, 4)', [name, position]);
      if (!page.rows.length) return found;
      found.push(...page.rows);
      position = Number(found[found.length - 1].global_position) + 1;
    }
  }
  const call = what === 'last' ? 'get_last_stream_message($1)' : 'get_stream_messages($1, 0, 1000)';
  return (await pool.query(`SELECT * FROM ${call}`, [name])).rows;
}

async function connector() {
  const { EventideClient, MessageStore, PostgresClient } = require('@doughtnerd/message-store-connector');
  const store = new MessageStore(new EventideClient(new PostgresClient(pool)));
  if (what === 'stream') return store.getStreamMessages(name, { startingPosition: 0, batchSize: 1000 });
  if (what === 'last') return store.getLastStreamMessage(name);
  const found = [];
  const take = (message) => { found.push(message); };
  const handlers = { Opened: take, Changed: take, Closed: take };
  const options = { pollingInterval: 1, positionUpdateInterval: 100000, batchSize: 4 };
  await store.subscribeToCategory('a-subscriber', name, handlers, options);
  while (found.length < Number(count)) await new Promise((later) => setTimeout(later, 20));
  return found;
}

(client === 'pg' ? pg() : connector()).then((rows) => {
  const shown = rows.map((row) => [
    row.stream_name ?? row.streamName,
    Number(row.position),
    Number(row.global_position ?? row.globalPosition),
  ]);
  console.log(JSON.stringify(shown));
  process.exit(0);
}, (error) => { console.error(error); process.exit(1); });
