-- Orders, with what the shop expects of their payments.
CREATE TABLE IF NOT EXISTS orders (
    id             VARCHAR(64) PRIMARY KEY,
    created_ms     BIGINT NOT NULL, -- Unix time
    price_amount   TEXT NOT NULL,
    price_currency TEXT NOT NULL,
    pay_currency   TEXT NOT NULL,
    payment_id     TEXT NOT NULL DEFAULT '',
    pay_amount     TEXT,
    pay_address    TEXT NOT NULL DEFAULT '',
    state          TEXT NOT NULL DEFAULT 'wait', -- the last verdict on its payment
    fulfilled      BOOLEAN NOT NULL DEFAULT FALSE
);

-- The goods. No constraint prevents a second row for an order; the inbox does.
CREATE TABLE IF NOT EXISTS fulfillments (
    order_id   VARCHAR(64) NOT NULL,
    payment_id TEXT NOT NULL
);

-- Payments that a person has to review.
CREATE TABLE IF NOT EXISTS reviews (
    payment_id VARCHAR(128) PRIMARY KEY,
    order_id   VARCHAR(64) NOT NULL,
    reason     TEXT NOT NULL
);
