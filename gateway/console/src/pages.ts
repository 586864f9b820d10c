import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Role } from "./data/session.tsx";
import type { PageProps } from "./page-props.ts";
import type { IconName } from "./shell/icon.tsx";

export interface Page {
  /** Below /console; `:id` is any one part. */
  readonly path: string;
  readonly title: string;
  /** Who sees it; `admin` sees all. */
  readonly roles: readonly Role[] | "all";
  /** In the navigation; without it the page is reached from another one. */
  readonly icon?: IconName;
  /** Only while the simulated processors run. */
  readonly sandboxOnly?: boolean;
  readonly Content: LazyExoticComponent<ComponentType<PageProps>>;
}

/** All pages, in the order of the navigation. One line makes a page appear, see README.md. */
export const PAGES: readonly Page[] = [
  { path: "/", title: "Overview", roles: "all", icon: "overview", Content: lazy(() => import("./pages/overview/overview.tsx")) },
  {
    path: "/providers",
    title: "Providers",
    roles: ["ops"],
    icon: "providers",
    Content: lazy(() => import("./pages/providers/providers.tsx")),
  },
  {
    path: "/routing",
    title: "Routing",
    roles: ["finance", "ops"],
    icon: "routing",
    Content: lazy(() => import("./pages/routing/routing-page.tsx")),
  },
  { path: "/charges", title: "Charges", roles: "all", icon: "charges", Content: lazy(() => import("./pages/charges/charges-page.tsx")) },
  { path: "/charges/:id", title: "A charge", roles: "all", Content: lazy(() => import("./pages/charges/charge-page.tsx")) },
  { path: "/queue", title: "Queue", roles: ["finance", "ops"], icon: "queue", Content: lazy(() => import("./pages/queue/queue-page.tsx")) },
  {
    path: "/reconciliation",
    title: "Reconciliation",
    roles: ["finance", "ops"],
    icon: "reconciliation",
    Content: lazy(() => import("./pages/reconciliation/reconciliation-page.tsx")),
  },
  { path: "/audit", title: "Audit", roles: ["ops"], icon: "audit", Content: lazy(() => import("./pages/audit/audit-page.tsx")) },
  {
    path: "/try",
    title: "Sandbox",
    roles: ["ops"],
    icon: "sandbox",
    sandboxOnly: true,
    Content: lazy(() => import("./pages/sandbox/sandbox.tsx")),
  },
];
