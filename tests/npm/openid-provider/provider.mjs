// An OpenID Connect provider on loopback. Standard input has its settings as JSON; it prints a line when it
// listens. Everybody may sign in, by any name.
import Provider from "oidc-provider";

const settings = JSON.parse(await new Response(process.stdin).text());
const issuer = `http://127.0.0.1:${settings.port}`;

const page = (uid) => `<!doctype html><title>Provider</title><link rel="icon" href="data:,">
<form method="post" action="/interaction/${uid}"><label>Name <input name="login" required></label>
<button type="submit">Continue</button></form>`;

const claimsOf = (login) => ({
  preferred_username: login,
  email: `${login}@example.com`,
  email_verified: true,
  ...settings.accounts?.[login],
});

const provider = new Provider(issuer, {
  jwks: { keys: settings.keys },
  clients: [
    {
      client_id: "graphiql",
      token_endpoint_auth_method: "none",
      redirect_uris: settings.redirectUris,
      grant_types: ["authorization_code"],
      response_types: ["code"],
      id_token_signed_response_alg: settings.keys[0].alg,
    },
    {
      client_id: "robot",
      client_secret: "not-a-secret",
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: settings.keys[0].alg,
      grant_types: ["client_credentials"],
    },
  ],
  cookies: { keys: ["for tests"] },
  scopes: ["openid", "gql_service:read"],
  pkce: { required: () => true },
  clientBasedCORS: () => true,
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid gql_service:read");
    grant.addResourceScope(settings.audience, "openid gql_service:read");
    await grant.save();
    return grant;
  },
  async extraTokenClaims(ctx, token) {
    if (!token.accountId) return {};
    return { ...claimsOf(token.accountId), auth_time: ctx.oidc.entities.AuthorizationCode?.authTime };
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: "gql_service:read",
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: settings.keys[0].alg } },
      }),
    },
  },
});

provider.use(async (ctx, next) => {
  const [, uid] = /^\/interaction\/([\w-]+)$/.exec(ctx.path) ?? [];
  if (!uid) return next();
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = page(uid);
    return;
  }
  let form = "";
  for await (const chunk of ctx.req) form += chunk;
  const login = new URLSearchParams(form).get("login");
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: login } });
  ctx.respond = false;
});

provider.listen(settings.port, "127.0.0.1", () => console.log(`listening at ${issuer}`));
