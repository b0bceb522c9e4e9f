// Sign-in at an OpenID Connect issuer: authorization code with PKCE (RFC 7636), in this page.
import * as oauth from "oauth4webapi";

// What must survive the way to the issuer and back. It has no token, and is deleted on return.
const PENDING = "gql_service:sign-in";

export interface Issuer {
  issuer: string;
  clientId: string;
  scopes: string;
  resource: string | null;
}

/** The issuer that the server trusts, or null. */
export async function readIssuer(): Promise<Issuer | null> {
  const response = await fetch("/pages/sign-in.json");
  const settings = response.ok ? await response.json() : {};
  return settings.issuer ? settings : null;
}

/** Leave the page for the issuer's. */
export async function startSignIn(settings: Issuer): Promise<void> {
  const server = await discover(settings);
  const pending = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    page: window.location.pathname,
  };
  if (!server.authorization_endpoint) throw new Error(`${settings.issuer} has no page for signing in.`);
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: settings.clientId,
    response_type: "code",
    redirect_uri: redirectUri(),
    scope: settings.scopes,
    state: pending.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    ...(hasIdToken(settings) && { nonce: pending.nonce }),
    ...resource(settings),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  window.location.assign(url);
}

/** The access token if the page was opened by the issuer, or null; throws if the sign-in has failed. */
export async function finishSignIn(settings: Issuer): Promise<string | null> {
  const parameters = new URLSearchParams(window.location.search);
  if (!parameters.has("code") && !parameters.has("error")) return null;
  const stored = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  // The code is used once. It must not stay in the history.
  window.history.replaceState(null, "", window.location.pathname);
  if (!stored) throw new Error("This sign-in was not started here, or was finished before.");
  const pending = JSON.parse(stored);

  const server = await discover(settings);
  const client = { client_id: settings.clientId };
  const callback = oauth.validateAuthResponse(server, client, parameters, pending.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    callback,
    redirectUri(),
    pending.verifier,
    { ...options(settings), additionalParameters: resource(settings) },
  );
  const expected = hasIdToken(settings) ? { expectedNonce: pending.nonce, requireIdToken: true } : {};
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
  returnTo(pending.page);
  return tokens.access_token;
}

async function discover(settings: Issuer): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(settings.issuer);
  const response = await oauth.discoveryRequest(issuer, options(settings));
  return oauth.processDiscoveryResponse(issuer, response);
}

// The server only accepts such issuers on its own machine.
const options = ({ issuer }: Issuer) => ({ [oauth.allowInsecureRequests]: issuer.startsWith("http:") });

// Issuers want to know the exact address that they send people back to. All pages of the console have one.
const redirectUri = () =>
  window.location.origin + (window.location.pathname === "/graphql" ? "/graphql" : "/console");

/** Show the page from which the sign-in began; the router listens to this event. */
function returnTo(page: unknown): void {
  if (typeof page !== "string" || page === window.location.pathname) return;
  window.history.replaceState(null, "", page);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

const resource = ({ resource }: Issuer): Record<string, string> => (resource ? { resource } : {});
const hasIdToken = ({ scopes }: Issuer) => scopes.split(" ").includes("openid");
