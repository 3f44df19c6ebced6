-- Requests that named themselves by a key, and what they were answered: a request that comes again
-- gets the same answer.
create table idempotency (
  principal {text} not null,
  key {text} not null,
  -- A seal over the request: another request has another.
  request {text} not null,
  -- Which run of the request holds the key, and until when it is believed to be alive.
  run bigint not null,
  held_until bigint not null,
  expires_at bigint not null,
  -- The answer; null: it is not there yet.
  status bigint,
  content_type {text},
  location {text},
  body {bytes},
  -- What was made with a secret: the answer is not kept.
  secret_of bigint,
  primary key (principal, key)
);
create index idempotency_expires on idempotency (expires_at);
