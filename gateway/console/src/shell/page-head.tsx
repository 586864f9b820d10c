import { type ReactNode, useEffect, useRef } from "react";

let firstPage = true;

/** The heading of a page. After a change of page it has the focus, so that keyboard and screen reader begin there. */
export function PageHead({ title, note, actions }: { title: string; note?: ReactNode; actions?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Switchyard`;
    // At the first page the browser's own order is right.
    if (!firstPage) heading.current?.focus();
    firstPage = false;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {note === undefined ? null : <p className="quiet">{note}</p>}
      </div>
      {actions === undefined ? null : <div className="page-actions">{actions}</div>}
    </header>
  );
}
