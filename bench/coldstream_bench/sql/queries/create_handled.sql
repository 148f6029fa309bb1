CREATE TABLE IF NOT EXISTS @store@.handled (consumer text NOT NULL, id uuid NOT NULL)
