/** Who is signed in: the token, its owner, and what happens when the server does not know the token any more. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { Provider, useQuery } from "urql";
import { forgetToken, keepToken, keptToken } from "../shared/token";
import { type Connection, openConnection } from "./connection";
import { type ViewerQuery, ViewerDocument } from "./generated/graphql";

type Viewer = ViewerQuery["me"];

interface Session {
  /** Null while nobody is signed in. */
  token: string | null;
  /** Whether the server has refused the token. The page stays as it is until the user signs in again. */
  isExpired: boolean;
  signIn: (token: string, keep: boolean) => void;
  signOut: () => void;
}

const SessionContext = createContext<Session | null>(null);
const ConnectionContext = createContext<Connection | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [token, setToken] = useState(keptToken);
  const [isExpired, setExpired] = useState(false);
  const connection = useMemo(() => openConnection(token, () => setExpired(true)), [token]);
  useEffect(() => connection.close, [connection]);

  const session = useMemo<Session>(
    () => ({
      token,
      isExpired,
      signIn(newToken, keep) {
        if (keep) keepToken(newToken);
        setToken(newToken);
        setExpired(false);
      },
      signOut() {
        forgetToken();
        setToken(null);
        setExpired(false);
      },
    }),
    [token, isExpired],
  );
  return (
    <SessionContext value={session}>
      <ConnectionContext value={connection}>
        <Provider value={connection.client}>{children}</Provider>
      </ConnectionContext>
    </SessionContext>
  );
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("There is no session around this component.");
  return session;
}

/** The connection for live updates, and whether it is up. */
export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error("There is no connection around this component.");
  return connection;
}

const ViewerContext = createContext<Viewer | null>(null);
export const ViewerProvider = ViewerContext.Provider;

/** The user who is signed in. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error("Nobody is signed in here.");
  return viewer;
}

/** Read the viewer. It is read again whenever a mutation returns a user. */
export const useViewerQuery = (isPaused: boolean) => useQuery({ query: ViewerDocument, pause: isPaused });
