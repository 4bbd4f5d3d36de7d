CREATE TABLE IF NOT EXISTS jovepay_inbox (
    subject    varchar(160) COLLATE "C" PRIMARY KEY,
    event_key  varchar(64)  COLLATE "C" NOT NULL,
    position   varchar(255) COLLATE "C" NOT NULL,
    applied_at timestamptz  NOT NULL DEFAULT now()
);
