/** What surrounds every page: the bar at the top, the navigation, and the content. */
import { Bell, Menu } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import {
  Button,
  Label,
  ListBox,
  ListBoxItem,
  MenuItem,
  Menu as MenuList,
  MenuTrigger,
  Popover,
  Select,
  SelectValue,
} from "react-aria-components";
import { Link, NavLink, useLocation, useNavigate } from "react-router";
import { useQuery } from "urql";
import { PlatformsDocument } from "../generated/graphql";
import { useNotificationReceived } from "../notifications";
import { useConnection, useSession, useViewer, useViewerQuery } from "../session";
import styles from "./Layout.module.css";
import { type Platform, PlatformsContext, usePlatforms } from "./platform";
import { useWords } from "./words";

export function Layout({ children }: { children: ReactNode }) {
  const words = useWords();
  const [{ data }] = useQuery({ query: PlatformsDocument });
  const [isMenuOpen, setMenuOpen] = useState(false);
  const { pathname } = useLocation();
  useEffect(() => setMenuOpen(false), [pathname]);

  return (
    <PlatformsContext value={data?.platforms?.nodes ?? []}>
      <a className={styles.skip} href="#content">
        {words.skip}
      </a>
      <header className={styles.bar}>
        <Button
          className={`react-aria-Button plain ${styles.menuButton}`}
          aria-label={words.menu}
          aria-expanded={isMenuOpen}
          onPress={() => setMenuOpen(!isMenuOpen)}
        >
          <Menu aria-hidden size={18} />
        </Button>
        <PlatformChoice />
        <span className={styles.space} />
        <Unread />
        <ViewerMenu />
      </header>
      <Offline />
      <div className={styles.columns}>
        <nav className={styles.navigation} data-open={isMenuOpen || undefined} aria-label={words.menu}>
          <Navigation />
        </nav>
        <main id="content" tabIndex={-1} className={styles.content}>
          {children}
        </main>
      </div>
    </PlatformsContext>
  );
}

/** The platform that the address names, or the first. */
function useCurrentPlatform(): Platform | undefined {
  const platforms = usePlatforms();
  const { pathname } = useLocation();
  const key = /^\/console\/p\/([^/]+)/.exec(pathname)?.[1];
  return platforms.find((each) => each.key === key) ?? platforms[0];
}

function PlatformChoice() {
  const words = useWords();
  const navigate = useNavigate();
  const platforms = usePlatforms();
  const current = useCurrentPlatform();
  const { pathname } = useLocation();
  if (!current) return <span className="quiet">{words.noPlatform}</span>;
  const page = /^\/console\/p\/[^/]+\/([a-z-]+)/.exec(pathname)?.[1] ?? "settings";
  return (
    <Select
      className={styles.platform}
      value={current.key}
      onChange={(key) => void navigate(`/console/p/${key}/${page}`)}
    >
      <Label className="hidden-visually">{words.platform}</Label>
      <Button>
        <SelectValue />
        <span aria-hidden>▾</span>
      </Button>
      <Popover>
        <ListBox items={platforms.map((each) => ({ ...each, id: each.key }))}>
          {(platform) => <ListBoxItem textValue={platform.name}>{platform.name}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}

function Unread() {
  const words = useWords();
  const unread = useViewer().unreadNotificationCount ?? 0;
  const [, read] = useViewerQuery(false);
  useNotificationReceived(() => read({ requestPolicy: "network-only" }));
  return (
    <Link to="/console/notifications" className="button" aria-label={words.notifications(unread)}>
      <Bell aria-hidden size={16} />
      {unread > 0 && unread}
    </Link>
  );
}

function ViewerMenu() {
  const words = useWords();
  const { signOut } = useSession();
  const { displayName } = useViewer();
  return (
    <MenuTrigger>
      <Button className={`react-aria-Button plain ${styles.viewer}`}>
        <span className={styles.name}>{displayName}</span>
        <span aria-hidden>▾</span>
      </Button>
      <Popover>
        <MenuList>
          {/* In a tab of its own: the token may be nowhere but in this page. */}
          <MenuItem href="/docs/" target="_blank">
            {words.documentation}
          </MenuItem>
          <MenuItem href="/graphql">{words.explorer}</MenuItem>
          <MenuItem onAction={signOut}>{words.signOut}</MenuItem>
        </MenuList>
      </Popover>
    </MenuTrigger>
  );
}

/** Tells that live updates are cut off. */
function Offline() {
  const words = useWords();
  const { onLive } = useConnection();
  const [isLive, setLive] = useState(true);
  useEffect(() => onLive(setLive), [onLive]);
  return (
    <div role="status" className={styles.offline}>
      {isLive ? "" : words.reconnecting}
    </div>
  );
}

function Navigation() {
  const words = useWords();
  const { isPlatformOwner } = useViewer();
  const platform = useCurrentPlatform();
  const onPlatform = (page: string) => `/console/p/${platform?.key}/${page}`;
  return (
    <>
      <h2>{words.you}</h2>
      <NavLink to="/console/profile">{words.profile}</NavLink>
      {platform && <NavLink to={onPlatform("settings")}>{words.settings}</NavLink>}
      <NavLink to="/console/notifications">{words.notifications(0)}</NavLink>
      <NavLink to="/console/data">{words.data}</NavLink>
      {platform?.viewerIsAdmin && (
        <>
          <h2>{words.administration}</h2>
          <NavLink to={onPlatform("users")}>{words.users}</NavLink>
          <NavLink to={onPlatform("definitions")}>{words.definitions}</NavLink>
          <NavLink to={onPlatform("activity")}>{words.activity}</NavLink>
          <NavLink to={onPlatform("webhooks")}>{words.webhooks}</NavLink>
          <NavLink to={onPlatform("bulk")}>{words.bulk}</NavLink>
        </>
      )}
      {isPlatformOwner && (
        <>
          <h2>{words.service}</h2>
          <NavLink to="/console/tenants">{words.tenants}</NavLink>
          <NavLink to="/console/platforms">{words.platforms}</NavLink>
          <NavLink to="/console/health">{words.health}</NavLink>
        </>
      )}
    </>
  );
}
