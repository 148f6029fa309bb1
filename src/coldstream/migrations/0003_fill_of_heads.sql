-- Pages of the heads are filled to nineteen twentieths: for short streams the heads are a sixth of what a
-- store in the columnstore takes. What stays free has room for the versions that pass through a page
-- between two looks at it, so updates stay HOT; a full page has not, and they would add to the key.
ALTER TABLE @extschema@.streams SET (fillfactor = 95);
