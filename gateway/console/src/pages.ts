import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Role } from "./data/session.tsx";
import type { IconName } from "./shell/icon.tsx";

/** What a page's component gets: the parts of its path that have a name. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

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
    path: "/try",
    title: "Sandbox",
    roles: ["ops"],
    icon: "sandbox",
    sandboxOnly: true,
    Content: lazy(() => import("./pages/sandbox/sandbox.tsx")),
  },
];
