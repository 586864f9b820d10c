-- Who is signed in at the console. What is kept cannot be used to sign in: `token_hash` is a hash of the cookie's 256 random bits.
-- A session ends at `expires_at`, when it is signed out (its row goes), and with its key.
create table console_sessions (
  token_hash bytea primary key,
  account_id text not null references accounts (id),
  -- null: ADMIN_KEY, which has no row; token_hash is then keyed with it, so that the session ends when the setting changes.
  key_id text references api_keys (id),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index console_sessions_by_expiry on console_sessions (expires_at);
create index console_sessions_by_key on console_sessions (key_id, created_at);
