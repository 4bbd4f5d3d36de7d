-- What the book of orders does not know of an order.
CREATE TABLE IF NOT EXISTS orders (
    id           TEXT PRIMARY KEY, -- the key to its page; cannot be guessed
    created_ms   INTEGER NOT NULL, -- Unix time
    item         TEXT NOT NULL,
    pay_currency TEXT NOT NULL,    -- the customer's last choice, like the method
    method       TEXT NOT NULL,    -- address or invoice
    trouble      TEXT NOT NULL DEFAULT '' -- why there is no payment
);

-- The tickets, at most one for an order.
CREATE TABLE IF NOT EXISTS tickets (
    order_id TEXT PRIMARY KEY,
    code     TEXT NOT NULL UNIQUE
);
