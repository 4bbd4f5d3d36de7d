CREATE TABLE purchases (
    id      text    NOT NULL PRIMARY KEY,
    email   text    NOT NULL CHECK (email LIKE '%@%'),
    shipped boolean NOT NULL DEFAULT false
);
