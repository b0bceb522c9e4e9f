/** Operations to begin with. They are run as they are, against a platform that the viewer sees. */
interface Example {
  title: string;
  query: (platformKey: string) => string;
}

export const FIRST_QUERY = `# Sign in above, then press Ctrl+Enter.
# "me" is the access token's owner.

query Me {
  me {
    id
    username
    displayName
    badges {
      name
      earnedAt
    }
  }
}

# Ctrl+Space completes names. More is in the menu "Examples", left of the response.
`;

export const EXAMPLES: Example[] = [
  {
    title: "Query: a document and its effective values",
    query: (platformKey) => `query Document {
  platformMetadata(platformKey: ${JSON.stringify(platformKey)}) {
    revision
    metadata
    evaluations {
      key
      value
      reason
    }
  }
}
`,
  },
  {
    title: "Typed entry: a date with an end",
    query: (platformKey) => `mutation TypedEntry {
  setUserMetadata(
    input: {
      platformKey: ${JSON.stringify(platformKey)}
      entries: [
        {
          metadataKey: "trial.ends"
          metadataValue: "2099-06-01"
          valueType: date
          description: "The last day of the trial"
          validUntil: "2099-06-02T00:00:00Z"
        }
      ]
    }
  ) {
    entries {
      metadataKey
      value
      valueType
      validUntil
    }
    userErrors {
      code
      message
      field
    }
  }
}
`,
  },
  {
    title: "Search: users by name or email (admins)",
    query: (platformKey) => `# Platform.users also searches by metadata, for example
# platform(key: ${JSON.stringify(platformKey)}) { users(where: { metadata: [{ key: "plan", equals: "pro" }] }) { totalCount } }
# if "plan" is defined as indexed.
query Search {
  users(first: 20, where: { text: "jo" }) {
    totalCount
    nodes {
      username
      displayName
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  },
  {
    title: "Conflict: a write that came too late",
    query: (platformKey) => `# Nothing is written: the document is not at this revision any more.
mutation Conflict {
  patchPlatformMetadata(
    input: {
      platformKey: ${JSON.stringify(platformKey)}
      metadata: { theme: "dark" }
      expectedRevision: 1000000
    }
  ) {
    platformMetadata {
      revision
    }
    userErrors {
      code
      message
      ... on RevisionConflict {
        currentRevision
      }
    }
  }
}
`,
  },
  {
    title: "Subscription: changes of the document",
    query: (platformKey) => `# Runs until you stop it. Change the document in another tab.
subscription Changes {
  platformMetadataChanged(platformKey: ${JSON.stringify(platformKey)}) {
    revision
    changedKeys
    platformMetadata {
      metadata
    }
  }
}
`,
  },
  {
    title: "Federation: an entity as a gateway asks for it",
    query: (platformKey) => `query Entities {
  _entities(representations: [{ __typename: "Platform", key: ${JSON.stringify(platformKey)} }]) {
    ... on Platform {
      key
      name
      mode
    }
  }
}
`,
  },
];
