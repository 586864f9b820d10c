import { Suspense } from "react";
import { mayUse, type Session, SessionProvider, useSessionHandle } from "./data/session.tsx";
import { PAGES, type Page } from "./pages.ts";
import { Empty, Failure, Loading } from "./parts/loaded.tsx";
import { Broken } from "./shell/broken.tsx";
import { Layout } from "./shell/layout.tsx";
import { PageHead } from "./shell/page-head.tsx";
import { Link, matchPath, usePath } from "./shell/router.tsx";
import { SignIn } from "./shell/sign-in.tsx";

export function App() {
  return (
    <SessionProvider>
      <Gate />
    </SessionProvider>
  );
}

function Gate() {
  const { session, problem, retry } = useSessionHandle();
  if (problem !== null)
    return (
      <main className="alone">
        <Failure problem={problem} retry={retry} />
      </main>
    );
  if (session === undefined)
    return (
      <main className="alone">
        <Loading what="the console" />
      </main>
    );
  if (session === null) return <SignIn />;
  const pages = PAGES.filter((page) => isFor(page, session));
  return (
    <Layout pages={pages}>
      <CurrentPage pages={pages} />
    </Layout>
  );
}

/** What a role may not do, it does not see. */
function isFor({ roles, sandboxOnly = false }: Page, session: Session): boolean {
  return (roles === "all" || mayUse(session, roles)) && (session.sandbox || !sandboxOnly);
}

function CurrentPage({ pages }: { pages: readonly Page[] }) {
  const path = usePath();
  for (const { path: pattern, title, Content } of pages) {
    const params = matchPath(pattern, path);
    if (params === null) continue;
    return (
      <Broken key={pattern}>
        <Suspense fallback={<Loading what={title} />}>
          <Content params={params} />
        </Suspense>
      </Broken>
    );
  }
  return (
    <>
      <PageHead title="Not here" />
      <Empty title="There is no such page, or your key's role has no use for it.">
        <Link to="/">To the overview</Link>
      </Empty>
    </>
  );
}
