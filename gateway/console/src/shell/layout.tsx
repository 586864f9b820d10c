import { type ReactNode, useEffect, useState } from "react";
import { useLiveState } from "../data/live.ts";
import { useSession, useSessionHandle } from "../data/session.tsx";
import type { Page } from "../pages.ts";
import { Icon } from "./icon.tsx";
import { Link, onNavigation, usePath } from "./router.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";

/** What is around every page: navigation, who is signed in, whether what is seen is live. On a phone the navigation folds. */
export function Layout({ pages, children }: { pages: readonly Page[]; children: ReactNode }) {
  const path = usePath();
  const [open, setOpen] = useState(false);
  useEffect(() => onNavigation(() => setOpen(false)), []);
  useEffect(() => {
    if (!open) return;
    const close = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, [open]);

  return (
    <div className="layout">
      <a className="skip" href="#main">
        To the content
      </a>
      <header className="top">
        <button type="button" className="plain menu-button" aria-expanded={open} aria-controls="side" onClick={() => setOpen(!open)}>
          <Icon name="menu" />
          <span>Menu</span>
        </button>
        <Link to="/" className="brand" aria-label="Switchyard, to the overview">
          <Mark />
          <span>Switchyard</span>
        </Link>
        <div className="top-end">
          <Mode />
          <Live />
        </div>
      </header>
      <div className={open ? "side side-open" : "side"} id="side">
        <div className="side-inner">
          <nav aria-label="Pages">
            <ul>
              {pages.map(({ path: to, title, icon }) =>
                icon === undefined ? null : (
                  <li key={to}>
                    <Link to={to} aria-current={isWithin(path, to) ? "page" : undefined}>
                      <Icon name={icon} />
                      {title}
                    </Link>
                  </li>
                ),
              )}
            </ul>
          </nav>
          <Account />
        </div>
      </div>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** `/charges/ch_1` is within `/charges`. */
function isWithin(path: string, to: string): boolean {
  return path === to || (to !== "/" && path.startsWith(`${to}/`));
}

function Mode() {
  const { livemode } = useSession();
  return <span className={livemode ? "mode mode-live" : "mode"}>{livemode ? "Live money" : "Test money"}</span>;
}

function Live() {
  const live = useLiveState() === "live";
  return (
    <span className={live ? "live live-on" : "live"} role="status">
      <span className="live-dot" aria-hidden="true" />
      {live ? "Live" : "Reconnecting"}
    </span>
  );
}

function Account() {
  const { name, role } = useSession();
  const { signOut } = useSessionHandle();
  return (
    <div className="account">
      <ThemeSwitch />
      <p>
        <strong>{name}</strong>
        <span className="quiet">{role}</span>
      </p>
      <button type="button" className="plain" onClick={() => void signOut().catch(() => location.reload())}>
        <Icon name="out" />
        Sign out
      </button>
    </div>
  );
}

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M6 22h7c5 0 5-12 10-12h3M6 22h20" fill="none" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
