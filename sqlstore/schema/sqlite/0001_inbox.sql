CREATE TABLE IF NOT EXISTS jovepay_inbox (
    subject    TEXT NOT NULL PRIMARY KEY,
    event_key  TEXT NOT NULL,
    position   TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) WITHOUT ROWID;
