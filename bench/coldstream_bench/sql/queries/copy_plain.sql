COPY @plain@.messages (id, stream_name, type, position, data, metadata, time) FROM STDIN
