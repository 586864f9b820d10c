/** What the record itself says of `key`, which comes from outside: a provider may be called `constructor`, and every object has one. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
