-- Times are Unix microseconds, in every dialect. Each statement can be run again.

-- The subjects of an account begin with its name.
ALTER TABLE jovepay_inbox ALTER COLUMN subject TYPE varchar(255) COLLATE "C";

CREATE TABLE IF NOT EXISTS jovepay_orders (
    account varchar(64)  COLLATE "C" NOT NULL,
    id      varchar(255) COLLATE "C" NOT NULL,
    created bigint       NOT NULL,
    version bigint       NOT NULL,
    state   varchar(32)  COLLATE "C" NOT NULL,
    due     bigint,
    doc     text         NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX IF NOT EXISTS jovepay_orders_created ON jovepay_orders (account, created, id);
CREATE INDEX IF NOT EXISTS jovepay_orders_state ON jovepay_orders (account, state, created, id);
CREATE INDEX IF NOT EXISTS jovepay_orders_due ON jovepay_orders (account, due, id) WHERE due IS NOT NULL;

-- sole_id is the id of a part of which there is one in the account. An order has
-- one intent for each coin, so the id of an intent is in many orders.
CREATE TABLE IF NOT EXISTS jovepay_order_parts (
    account  varchar(64)  COLLATE "C" NOT NULL,
    order_id varchar(255) COLLATE "C" NOT NULL,
    kind     varchar(32)  COLLATE "C" NOT NULL,
    id       varchar(255) COLLATE "C" NOT NULL,
    open     boolean      NOT NULL,
    at       bigint       NOT NULL,
    doc      text         NOT NULL,
    sole_id  varchar(255) COLLATE "C" GENERATED ALWAYS AS (CASE WHEN kind <> 'intent' THEN id END) STORED,
    PRIMARY KEY (account, order_id, kind, id),
    UNIQUE (account, kind, sole_id)
);
CREATE INDEX IF NOT EXISTS jovepay_order_parts_at ON jovepay_order_parts (account, kind, at, order_id, id);
CREATE INDEX IF NOT EXISTS jovepay_order_parts_open ON jovepay_order_parts (account, kind, at, order_id, id) WHERE open;

CREATE TABLE IF NOT EXISTS jovepay_ledger (
    seq        bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    varchar(64)  COLLATE "C" NOT NULL,
    at         bigint       NOT NULL,
    order_id   varchar(255) COLLATE "C" NOT NULL,
    payment_id varchar(255) COLLATE "C" NOT NULL,
    coin       varchar(32)  COLLATE "C" NOT NULL,
    bucket     varchar(32)  COLLATE "C" NOT NULL,
    amount     text         NOT NULL,
    doc        text         NOT NULL
);
CREATE INDEX IF NOT EXISTS jovepay_ledger_at ON jovepay_ledger (account, at, seq);
CREATE INDEX IF NOT EXISTS jovepay_ledger_order ON jovepay_ledger (account, order_id, at, seq);

CREATE TABLE IF NOT EXISTS jovepay_order_history (
    seq      bigint       GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  varchar(64)  COLLATE "C" NOT NULL,
    order_id varchar(255) COLLATE "C" NOT NULL,
    at       bigint       NOT NULL,
    doc      text         NOT NULL
);
CREATE INDEX IF NOT EXISTS jovepay_order_history_order ON jovepay_order_history (account, order_id, seq);

CREATE TABLE IF NOT EXISTS jovepay_leases (
    account varchar(64)  COLLATE "C" NOT NULL,
    name    varchar(255) COLLATE "C" NOT NULL,
    holder  varchar(255) COLLATE "C" NOT NULL,
    expires bigint       NOT NULL,
    PRIMARY KEY (account, name)
);
