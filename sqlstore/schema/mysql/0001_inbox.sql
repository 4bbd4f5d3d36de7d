CREATE TABLE IF NOT EXISTS jovepay_inbox (
    subject    varchar(160) NOT NULL PRIMARY KEY,
    event_key  varchar(64)  NOT NULL,
    position   varchar(255) NOT NULL,
    applied_at datetime(6)  NOT NULL
) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin;
