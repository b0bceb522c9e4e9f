import { openConnection } from "../../connection";
import { ViewerDocument } from "../../generated/graphql";

/** Throws the server's own message if it does not accept this token. */
export async function verify(token: string): Promise<void> {
  const connection = openConnection(token, () => undefined);
  const { error } = await connection.client.query(ViewerDocument, {}).toPromise();
  connection.close();
  if (error) throw new Error(error.graphQLErrors[0]?.message ?? error.message);
}
