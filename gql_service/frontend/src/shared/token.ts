/** Where the access token is kept: in memory only, unless the user asks to keep it for this tab. */
const KEY = "gql_service:token";

/** The token that was kept for this tab, or null. */
export const keptToken = (): string | null => sessionStorage.getItem(KEY);

export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token);

export const forgetToken = (): void => sessionStorage.removeItem(KEY);
