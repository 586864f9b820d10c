import type { ReactNode } from "react";

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers and money stand at the right. */
  readonly align?: "end";
  /** Names the row: its cell is the row's header. One column at most. */
  readonly rowHead?: boolean;
}

/**
 * Rows and columns; on a phone each row becomes a card with the columns' names inside. `caption` says what the table is, for
 * who cannot see it. Show `Empty` instead when there are no rows.
 */
export function Table<Row>({
  caption,
  columns,
  rows,
  rowKey,
}: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}) {
  return (
    // A region that scrolls sideways has to be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section className="table-scroll" aria-label={caption} tabIndex={0}>
      <table className="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, align }) => (
              <th key={head} scope="col" className={align === "end" ? "end" : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <Cell key={column.head} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const className = column.align === "end" ? "end" : undefined;
  // One box, so that on a phone all of it stands beside the column's name.
  const content = <div className="cell">{column.cell(row)}</div>;
  if (column.rowHead)
    return (
      <th scope="row" className={className} data-head={column.head}>
        {content}
      </th>
    );
  return (
    <td className={className} data-head={column.head}>
      {content}
    </td>
  );
}
