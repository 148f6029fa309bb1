INSERT INTO @store@.handled (consumer, id) VALUES (%s, %s)
