/** Which page is shown, in which language, and to whom. */
import { type ReactNode, Suspense, useEffect } from "react";
import { I18nProvider } from "react-aria-components";
import { Navigate, Route, Routes, useLocation } from "react-router";
import { AdminOnly, OwnerOnly } from "./components/admin/AdminOnly";
import { FailureBoundary, lazyPage } from "./components/page";
import { Failure, Skeleton } from "./components/State";
import { Layout } from "./layout/Layout";
import { SignIn } from "./pages/sign-in/SignIn";
import { useSession, useViewerQuery, ViewerProvider } from "./session";
import { chooseLanguage } from "./words";

const Activity = lazyPage(() => import("./pages/activity/Activity"));
const Bulk = lazyPage(() => import("./pages/bulk/Bulk"));
const Data = lazyPage(() => import("./pages/data/Data"));
const Definition = lazyPage(() => import("./pages/definitions/Definition"));
const Definitions = lazyPage(() => import("./pages/definitions/Definitions"));
const Health = lazyPage(() => import("./pages/health/Health"));
const NewDefinition = lazyPage(() => import("./pages/definitions/NewDefinition"));
const Notifications = lazyPage(() => import("./pages/notifications/Notifications"));
const Platforms = lazyPage(() => import("./pages/platforms/Platforms"));
const Profile = lazyPage(() => import("./pages/profile/Profile"));
const Settings = lazyPage(() => import("./pages/settings/Settings"));
const Tenants = lazyPage(() => import("./pages/tenants/Tenants"));
const User = lazyPage(() => import("./pages/user/User"));
const Users = lazyPage(() => import("./pages/users/Users"));
const Webhooks = lazyPage(() => import("./pages/webhooks/Webhooks"));

export function App() {
  const { token, isExpired } = useSession();
  const [{ data, error }, read] = useViewerQuery(token === null);
  const viewer = token === null ? undefined : data?.me;
  const { pathname } = useLocation();
  const language = chooseLanguage([viewer?.language, ...navigator.languages]);
  // Dates and numbers are written as in the region of the browser, such as en-GB.
  const locale = navigator.languages.find((each) => each.split("-")[0] === language) ?? language;

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);

  return (
    <I18nProvider locale={locale}>
      {viewer ? (
        <ViewerProvider value={viewer}>
          <Layout>
            <FailureBoundary key={pathname}>
              <Suspense fallback={<Skeleton />}>
                <Pages />
              </Suspense>
            </FailureBoundary>
          </Layout>
          {isExpired && <SignIn isAgain />}
        </ViewerProvider>
      ) : token === null || isExpired ? (
        <SignIn isAgain={isExpired} />
      ) : error ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : (
        <Skeleton />
      )}
    </I18nProvider>
  );
}

const forAdmins = (page: ReactNode) => <AdminOnly>{() => page}</AdminOnly>;

function Pages() {
  return (
    <Routes>
      <Route path="/console/profile" element={<Profile />} />
      <Route path="/console/notifications" element={<Notifications />} />
      <Route path="/console/data" element={<Data />} />
      <Route path="/console/settings" element={<Settings />} />
      <Route path="/console/p/:platformKey/settings" element={<Settings />} />
      <Route path="/console/p/:platformKey/users" element={<Users />} />
      <Route path="/console/p/:platformKey/users/:username" element={<User />} />
      <Route path="/console/p/:platformKey/bulk" element={<Bulk />} />
      <Route path="/console/p/:platformKey/definitions" element={forAdmins(<Definitions />)} />
      <Route path="/console/p/:platformKey/define" element={forAdmins(<NewDefinition />)} />
      <Route path="/console/p/:platformKey/definitions/:key" element={forAdmins(<Definition />)} />
      <Route path="/console/p/:platformKey/webhooks" element={forAdmins(<Webhooks />)} />
      <Route path="/console/p/:platformKey/activity" element={forAdmins(<Activity />)} />
      <Route path="/console/tenants" element={<OwnerOnly><Tenants /></OwnerOnly>} />
      <Route path="/console/platforms" element={<Platforms />} />
      <Route path="/console/health" element={<OwnerOnly><Health /></OwnerOnly>} />
      <Route path="*" element={<Navigate to="/console/profile" replace />} />
    </Routes>
  );
}
