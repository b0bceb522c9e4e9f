// What Relay's compiler compiles. Nobody imports this file: without Babel, `graphql` cannot be called.
import { graphql } from "relay-runtime";

graphql`
  query documentQuery($key: String!) {
    platformMetadata(platformKey: $key) {
      id
      revision
      updatedAt
      metadata
      ...document_entries
    }
  }
`;

graphql`
  fragment document_entries on PlatformMetadata
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" })
  @refetchable(queryName: "documentEntriesQuery") {
    entries(first: $count, after: $cursor) @connection(key: "document_entries") {
      edges {
        node {
          id
          metadataKey
          value
        }
      }
    }
  }
`;

graphql`
  mutation documentMutation($input: PatchPlatformMetadataInput!) {
    patchPlatformMetadata(input: $input) {
      platformMetadata {
        id
        revision
        metadata
      }
      userErrors {
        message
      }
    }
  }
`;
