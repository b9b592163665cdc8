CREATE TABLE databases (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    incarnation BLOB NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    -- Whatever the program keeps of a database; the store doesn't look into it.
    meta BLOB NOT NULL
) STRICT;

-- A document's record, and beside it what is searched for. Fresh documents are appended, and
-- the changes feed follows an index that is in the same order.
CREATE TABLE documents (
    key INTEGER PRIMARY KEY,
    database INTEGER NOT NULL REFERENCES databases (key),
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    record BLOB NOT NULL,
    UNIQUE (database, id)
) STRICT;

CREATE INDEX documents_by_seq ON documents (database, seq);
CREATE INDEX documents_pending ON documents (database, seq) WHERE pending;
CREATE INDEX documents_refused ON documents (database) WHERE refused;

-- Records that could not be read when their document was written anew.
CREATE TABLE set_aside (
    database INTEGER NOT NULL REFERENCES databases (key),
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    record BLOB NOT NULL
) STRICT;

CREATE TABLE locals (
    database INTEGER NOT NULL REFERENCES databases (key),
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (database, name)
) STRICT, WITHOUT ROWID;

-- What each database has lived through: at which seq each run of a program began.
CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    database INTEGER NOT NULL REFERENCES databases (key),
    run BLOB NOT NULL,
    seq INTEGER NOT NULL,
    UNIQUE (database, run)
) STRICT;
