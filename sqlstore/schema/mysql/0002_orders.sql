-- Times are Unix microseconds, in every dialect. Each statement can be run again.

-- The subjects of an account begin with its name.
ALTER TABLE jovepay_inbox MODIFY subject varchar(255) NOT NULL;

-- Ids are varbinary, since varchar ignores spaces at the end.
CREATE TABLE IF NOT EXISTS jovepay_orders (
    account varchar(64)    NOT NULL,
    id      varbinary(255) NOT NULL,
    created bigint         NOT NULL,
    version bigint         NOT NULL,
    state   varchar(32)    NOT NULL,
    due     bigint,
    doc     longblob       NOT NULL,
    PRIMARY KEY (account, id),
    KEY (account, created, id),
    KEY (account, state, created, id),
    KEY (account, due, id)
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;

-- sole_id is the id of a part of which there is one in the account. An order has
-- one intent for each coin, so the id of an intent is in many orders.
CREATE TABLE IF NOT EXISTS jovepay_order_parts (
    account  varchar(64)    NOT NULL,
    order_id varbinary(255) NOT NULL,
    kind     varchar(32)    NOT NULL,
    id       varbinary(255) NOT NULL,
    open     tinyint        NOT NULL CHECK (open IN (0, 1)),
    at       bigint         NOT NULL,
    doc      longblob       NOT NULL,
    sole_id  varbinary(255) GENERATED ALWAYS AS (CASE WHEN kind <> 'intent' THEN id END) VIRTUAL,
    PRIMARY KEY (account, order_id, kind, id),
    UNIQUE KEY (account, kind, sole_id),
    KEY (account, kind, at, order_id, id),
    KEY (account, kind, open, at, order_id, id)
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS jovepay_ledger (
    seq        bigint         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    account    varchar(64)    NOT NULL,
    at         bigint         NOT NULL,
    order_id   varbinary(255) NOT NULL,
    payment_id varbinary(255) NOT NULL,
    coin       varchar(32)    NOT NULL,
    bucket     varchar(32)    NOT NULL,
    amount     text           NOT NULL,
    doc        longblob       NOT NULL,
    KEY (account, at, seq),
    KEY (account, order_id, at, seq)
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS jovepay_order_history (
    seq      bigint         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    account  varchar(64)    NOT NULL,
    order_id varbinary(255) NOT NULL,
    at       bigint         NOT NULL,
    doc      longblob       NOT NULL,
    KEY (account, order_id, seq)
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE IF NOT EXISTS jovepay_leases (
    account varchar(64)    NOT NULL,
    name    varbinary(255) NOT NULL,
    holder  varbinary(255) NOT NULL,
    expires bigint         NOT NULL,
    PRIMARY KEY (account, name)
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;
