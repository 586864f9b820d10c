-- What the business decided about routing. The highest version is in force; none: the defaults.
create table routing_rules (
  version integer primary key check (version > 0),
  rules jsonb not null,
  actor text not null,
  comment text,
  created_at timestamptz not null
);
create trigger routing_rules_append_only before update or delete or truncate on routing_rules execute function refuse_change();
