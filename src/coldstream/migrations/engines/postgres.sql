-- What a store on an ordinary table has: Message DB's unique indexes, by Message DB's names.
-- Runs when the store is made, and when it comes to this engine.

ALTER TABLE @extschema@.messages ADD CONSTRAINT messages_pkey PRIMARY KEY (global_position);
CREATE UNIQUE INDEX messages_id ON @extschema@.messages (id);
CREATE UNIQUE INDEX messages_stream ON @extschema@.messages (stream_name, position);
CREATE INDEX messages_category ON @extschema@.messages (stream_category, global_position);

-- The index guards the ids. The functions of both engines are one, and keep them here too: the rule takes that
-- away when PostgreSQL rewrites the statement, so that nothing of it is run.
CREATE TABLE @extschema@.recent_ids (global_position bigint NOT NULL, id uuid NOT NULL);
CREATE RULE recent_ids_unused AS ON INSERT TO @extschema@.recent_ids DO INSTEAD NOTHING;
