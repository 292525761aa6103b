"""The tables of ledgers on PostgreSQL: all runs of a database share them, in a schema of their own name.

Lives here: statements. What each table is for stands beside it. They are those of the file on SQLite (`ledger/schema.py`), with
the number of the run before each key.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = "rumbleup"

TABLES: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
SET LOCAL search_path = {SCHEMA};

-- What the schema says of itself: its version, the digest of its functions, and the program that has made them.
CREATE TABLE about (key text PRIMARY KEY, value text NOT NULL);

-- `counts`: contacts by state, those that no living owner counts. Each owner counts what its own steps have changed, so that no
-- two machines wait for each other's row; the sum of both is how the run stands.
CREATE TABLE run (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL UNIQUE,
    began   timestamptz NOT NULL DEFAULT now(),
    counts  bigint[] NOT NULL DEFAULT '{{0,0,0,0,0,0,0}}'
);
CREATE TABLE fact (
    run   integer NOT NULL REFERENCES run ON DELETE CASCADE,
    key   text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (run, key)
);

-- No index has the state in it, so that a send touches none: the new version of a row stays on its page, which has room for it.
CREATE TABLE contact (
    run      integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row      integer NOT NULL,
    phone    text NOT NULL,
    text     text,
    name     text,
    segments integer NOT NULL DEFAULT 0,
    screened smallint,
    state    smallint NOT NULL CHECK (state BETWEEN 0 AND 6),
    attempts integer NOT NULL DEFAULT 0,
    logid    text,
    detail   text,
    time     bigint,
    code     text,
    place    integer NOT NULL DEFAULT 0,
    owner    integer,
    PRIMARY KEY (run, row)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE UNIQUE INDEX one_text_a_phone ON contact (run, phone) WHERE screened IS NULL;
CREATE INDEX by_place ON contact (run, place, row) WHERE place <> 0;

-- Columns of the list that go with a contact.
CREATE TABLE kept (
    run   integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row   integer NOT NULL,
    cells text NOT NULL,
    PRIMARY KEY (run, row)
);

-- Of which kind a contact is, where there are several texts.
CREATE TABLE kind (
    run    integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row    integer NOT NULL,
    number integer NOT NULL,
    PRIMARY KEY (run, row)
);

-- Contacts that were put off one by one, and until when (Unix seconds).
CREATE TABLE waiting (
    run integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row integer NOT NULL,
    due double precision NOT NULL,
    PRIMARY KEY (run, row)
);
CREATE INDEX waiting_until ON waiting (run, due);

-- Who opens entries. `who`: user and machine. `session`: the number whose advisory lock its process holds. `until`: the end of
-- its lease, the epoch once it has left; `lease`: its seconds. `alone`: nobody may join it. `step`, `opened`: its last step, and
-- the rows that this has opened, so that a step whose answer was lost is told again and not done again. `heard`: the last entry
-- of the audit that its process has heeded.
CREATE SEQUENCE session AS integer;
CREATE TABLE owner (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run     integer NOT NULL REFERENCES run ON DELETE CASCADE,
    name    text NOT NULL,
    who     text NOT NULL,
    session integer NOT NULL,
    until   timestamptz NOT NULL,
    lease   double precision NOT NULL,
    alone   boolean NOT NULL,
    fenced  boolean NOT NULL DEFAULT false,
    counts  bigint[] NOT NULL DEFAULT '{{0,0,0,0,0,0,0}}',
    step    bigint NOT NULL DEFAULT 0,
    opened  integer[] NOT NULL DEFAULT '{{}}',
    heard   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 30);
CREATE INDEX living ON owner (run) WHERE NOT fenced;

-- What happened in each second of a run.
CREATE TABLE second (
    run       integer NOT NULL REFERENCES run ON DELETE CASCADE,
    at        bigint NOT NULL,
    owner     integer NOT NULL,
    sent      integer NOT NULL,
    refused   integer NOT NULL,
    unknown   integer NOT NULL,
    throttled integer NOT NULL,
    held      double precision NOT NULL,
    latencies text NOT NULL,
    rate      double precision,
    PRIMARY KEY (run, at, owner)
);

-- What is known of the money, in micro-dollars and segments.
CREATE TABLE reservation (
    run    integer NOT NULL REFERENCES run ON DELETE CASCADE,
    owner  integer NOT NULL,
    what   text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (run, owner, what)
);

-- Pauses of a run that people asked for; the last one holds while it has no end. Unix milliseconds.
CREATE TABLE pause (
    run   integer NOT NULL REFERENCES run ON DELETE CASCADE,
    began bigint NOT NULL,
    ended bigint,
    who   text NOT NULL,
    why   text NOT NULL,
    PRIMARY KEY (run, began)
);

-- What people decided, and what they ask of the processes that send. Unix milliseconds.
CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run    integer NOT NULL REFERENCES run ON DELETE CASCADE,
    time   bigint NOT NULL,
    who    text NOT NULL,
    what   text NOT NULL,
    detail text
);
CREATE INDEX audit_of_run ON audit (run, id);

CREATE TABLE suppressed (
    run   integer NOT NULL REFERENCES run ON DELETE CASCADE,
    phone text NOT NULL,
    PRIMARY KEY (run, phone)
);

-- Contacts that were absent from the log and are to be texted again: when their text may have left, whose text that was, and
-- which process alone may open them. `logid`: the proof that came of the earlier text while the second one was under way.
CREATE TABLE again (
    run     integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row     integer NOT NULL,
    time    bigint,
    earlier integer,
    session integer NOT NULL,
    logid   text,
    PRIMARY KEY (run, row)
);
-- When contacts in doubt were first looked up.
CREATE TABLE looked (
    run  integer NOT NULL REFERENCES run ON DELETE CASCADE,
    row  integer NOT NULL,
    time bigint NOT NULL,
    at   double precision NOT NULL,
    PRIMARY KEY (run, row)
);

INSERT INTO about VALUES ('version', '1');
"""

_RECEIPTS: Final = ("receipt", "receipt_total", "receipt_note")
OF_CONTACTS: Final = (
    "contact",
    "kept",
    "kind",
    "waiting",
    "second",
    "reservation",
    "again",
    "looked",
    "bound",
    "lot",
    "heard",
    "line",
    "line_use",
    *_RECEIPTS,
)
"""Tables that are emptied of a run whose list comes in anew."""
