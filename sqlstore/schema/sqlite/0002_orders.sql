-- Times are Unix microseconds, in every dialect. Each statement can be run again.

-- The names of SQLite's indexes would take the schema in place of the tables, so
-- an index is a constraint that the primary key implies.
CREATE TABLE IF NOT EXISTS jovepay_orders (
    account TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    due     INTEGER,
    doc     TEXT    NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, created, id),
    UNIQUE (account, state, created, id),
    UNIQUE (account, due, id)
) WITHOUT ROWID;

-- sole_id is the id of a part of which there is one in the account. An order has
-- one intent for each coin, so the id of an intent is in many orders.
CREATE TABLE IF NOT EXISTS jovepay_order_parts (
    account  TEXT    NOT NULL,
    order_id TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    open     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    doc      TEXT    NOT NULL,
    sole_id  TEXT    GENERATED ALWAYS AS (CASE WHEN kind <> 'intent' THEN id END) VIRTUAL,
    PRIMARY KEY (account, order_id, kind, id),
    UNIQUE (account, kind, sole_id),
    UNIQUE (account, kind, at, order_id, id),
    UNIQUE (account, kind, open, at, order_id, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS jovepay_ledger (
    seq        INTEGER PRIMARY KEY,
    account    TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    order_id   TEXT    NOT NULL,
    payment_id TEXT    NOT NULL,
    coin       TEXT    NOT NULL,
    bucket     TEXT    NOT NULL,
    amount     TEXT    NOT NULL,
    doc        TEXT    NOT NULL,
    UNIQUE (account, at, seq),
    UNIQUE (account, order_id, at, seq)
);

CREATE TABLE IF NOT EXISTS jovepay_order_history (
    seq      INTEGER PRIMARY KEY,
    account  TEXT    NOT NULL,
    order_id TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    doc      TEXT    NOT NULL,
    UNIQUE (account, order_id, seq)
);

CREATE TABLE IF NOT EXISTS jovepay_leases (
    account TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    holder  TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
