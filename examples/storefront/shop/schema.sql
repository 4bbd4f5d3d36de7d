-- Orders, with what the shop expects of their payments.
CREATE TABLE IF NOT EXISTS orders (
    id             TEXT PRIMARY KEY, -- the key to its page; cannot be guessed
    created_ms     INTEGER NOT NULL, -- Unix time
    item           TEXT NOT NULL,
    price_amount   TEXT NOT NULL,
    price_currency TEXT NOT NULL,
    pay_currency   TEXT NOT NULL,
    method         TEXT NOT NULL,              -- address or invoice
    payment_id     TEXT NOT NULL DEFAULT '',
    pay_amount     TEXT,
    pay_address    TEXT NOT NULL DEFAULT '',
    memo           TEXT NOT NULL DEFAULT '',
    expires_ms     INTEGER NOT NULL DEFAULT 0,
    invoice_id     TEXT NOT NULL DEFAULT '',
    invoice_url    TEXT NOT NULL DEFAULT '',
    trouble        TEXT NOT NULL DEFAULT '',   -- why there is no payment
    state          TEXT NOT NULL
);

-- The changes of payments in the order in which they were applied, and tickets
-- issued by a person.
CREATE TABLE IF NOT EXISTS news (
    number        INTEGER PRIMARY KEY,
    order_id      TEXT NOT NULL, -- as in the payment
    at_ms         INTEGER NOT NULL,
    payment_id    TEXT NOT NULL,
    status        TEXT NOT NULL,
    decision      TEXT NOT NULL,
    reason        TEXT NOT NULL,
    actually_paid TEXT,
    pay_currency  TEXT NOT NULL,
    difference    TEXT
);
CREATE INDEX IF NOT EXISTS news_of_order ON news (order_id);

-- The tickets, at most one for an order.
CREATE TABLE IF NOT EXISTS tickets (
    order_id   TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL, -- empty if a person issued it
    code       TEXT NOT NULL UNIQUE
);
