-- What people have been told, for the whole fleet of instances: one row. What `state` holds: gateway/notify/state.ts.
create table notifications (
  only_row boolean primary key default true check (only_row),
  state jsonb not null default '{}'
);
insert into notifications default values;

-- Revenue at risk: those in doubt are few, and must not be looked for among the others.
create index charges_in_doubt on charges (created_at) where status = 'in_doubt';
