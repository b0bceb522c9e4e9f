/** Which page is shown, in which language, and to whom. */
import { lazy, Suspense, useEffect } from "react";
import { I18nProvider } from "react-aria-components";
import { Navigate, Route, Routes } from "react-router";
import { Failure, Skeleton } from "./components/State";
import { Layout } from "./layout/Layout";
import { SignIn } from "./pages/sign-in/SignIn";
import { useSession, useViewerQuery, ViewerProvider } from "./session";
import { chooseLanguage } from "./words";

const Activity = lazy(() => import("./pages/activity/Activity"));
const Bulk = lazy(() => import("./pages/bulk/Bulk"));
const Data = lazy(() => import("./pages/data/Data"));
const Definition = lazy(() => import("./pages/definitions/Definition"));
const Definitions = lazy(() => import("./pages/definitions/Definitions"));
const Health = lazy(() => import("./pages/health/Health"));
const NewDefinition = lazy(() => import("./pages/definitions/NewDefinition"));
const Notifications = lazy(() => import("./pages/notifications/Notifications"));
const Platforms = lazy(() => import("./pages/platforms/Platforms"));
const Profile = lazy(() => import("./pages/profile/Profile"));
const Settings = lazy(() => import("./pages/settings/Settings"));
const Tenants = lazy(() => import("./pages/tenants/Tenants"));
const User = lazy(() => import("./pages/user/User"));
const Users = lazy(() => import("./pages/users/Users"));
const Webhooks = lazy(() => import("./pages/webhooks/Webhooks"));

export function App() {
  const { token, isExpired } = useSession();
  const [{ data, error }, read] = useViewerQuery(token === null);
  const viewer = token === null ? undefined : data?.me;
  const language = chooseLanguage([viewer?.language, ...navigator.languages]);

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);

  return (
    <I18nProvider locale={language}>
      {viewer ? (
        <ViewerProvider value={viewer}>
          <Layout>
            <Suspense fallback={<Skeleton />}>
              <Pages />
            </Suspense>
          </Layout>
          {isExpired && <SignIn isAgain />}
        </ViewerProvider>
      ) : token === null || isExpired ? (
        <SignIn />
      ) : error ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : (
        <Skeleton />
      )}
    </I18nProvider>
  );
}

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
      <Route path="/console/p/:platformKey/definitions" element={<Definitions />} />
      <Route path="/console/p/:platformKey/define" element={<NewDefinition />} />
      <Route path="/console/p/:platformKey/definitions/:key" element={<Definition />} />
      <Route path="/console/p/:platformKey/webhooks" element={<Webhooks />} />
      <Route path="/console/p/:platformKey/activity" element={<Activity />} />
      <Route path="/console/tenants" element={<Tenants />} />
      <Route path="/console/platforms" element={<Platforms />} />
      <Route path="/console/health" element={<Health />} />
      <Route path="*" element={<Navigate to="/console/profile" replace />} />
    </Routes>
  );
}
