"""Queries for each field of the access table: selections, arguments, and how to cause each error."""

SELECT = {
    "Query.user": 'user(by: {username: "NAME"})',
    "Query.platform": 'platform(key: "KEY")',
    "Query.platformMetadata": 'platformMetadata(platformKey: "KEY", username: "NAME")',
    "Query.node": 'node(id: "GID")',
    "Query.nodes": 'nodes(ids: ["GID"])',
    "Query._entities": '_entities(representations: [{__typename: "TYPE", ENTITY}])',
    "User.platformMetadata": 'platformMetadata(platformKey: "KEY")',
    "PlatformMetadata.entry": 'entry(key: "a")',
    "PlatformMetadata.entries": "entries(first: 1)",
    "PlatformMetadata.history": "history(first: 9)",
    "User.notifications": "notifications(first: 1)",
    "User.tokens": "tokens(last: 1)",
    "Platform.users": 'users(first: 1, where: {usernamePrefix: "NAME"})',
    "Mutation.patchPlatformMetadata": "patchPlatformMetadata(input: {DOC, metadata: {a: 1}})",
    "Mutation.bulkPatchPlatformMetadata": """bulkPatchPlatformMetadata(input: {platformKey: "KEY",
        patches: [{username: "NAME", metadata: {a: 1}}]})""",
    "Mutation.replacePlatformMetadata": "replacePlatformMetadata(input: {DOC, metadata: {a: 1}})",
    "Mutation.clearPlatformMetadata": "clearPlatformMetadata(input: {DOC})",
    "Mutation.setUserMetadata": """setUserMetadata(input: {DOC, entries: [{metadataKey: "a",
        valueType: number, metadataValue: "1", category: "c", description: "d", source: "s", isPublic: true,
        isEditable: true, validFrom: "2000-01-01T00:00:00Z", validUntil: "2900-01-01T00:00:00Z"}]})""",
    "Mutation.restorePlatformMetadata": "restorePlatformMetadata(input: {DOC, revision: 1})",
    "Mutation.defineMetadata": """defineMetadata(input: {platformKey: "KEY", key: "plan", valueType: string,
        minLength: 1, maxLength: 9, pattern: "a", choices: ["a"], schema: {}, isEncrypted: false,
        isIndexed: false, isPublic: true, isEditable: true, category: "c", description: "d"})""",
    "Mutation.removeMetadataDefinition": 'removeMetadataDefinition(input: {platformKey: "KEY", key: "none"})',
    "Mutation.setMetadataMode": 'setMetadataMode(input: {platformKey: "KEY", mode: OPEN})',
    "Mutation.setRetention": 'setRetention(input: {platformKey: "KEY", historyMaxAge: 365})',
    "Mutation.createUser": """createUser(input: {username: "FRESH", tenantId: "TENANT", email: "a@b",
        image: "https://a/b", lastSeenReleaseVersion: "1", language: "de"})""",
    "Mutation.updateUser": 'updateUser(input: {username: "NAME", language: "de"})',
    "Mutation.checkBadge": 'checkBadge(input: {username: "NAME", badge: "projectCreated"})',
    "Mutation.markNotificationsRead": "markNotificationsRead(input: {ids: []})",
    "Mutation.issueToken": 'issueToken(input: {username: "NAME", expiresInSeconds: 9, overlapSeconds: 0})',
    "Mutation.revokeToken": 'revokeToken(input: {id: "TOKEN"})',
}
"""How to select a field that needs arguments. Apart from `clear`, writes do not affect other cells."""
INVALID_VARIANTS = {
    "InvalidInput": {
        "a: 1": f"{'a' * 256}: 1",
        'metadataValue: "1"': 'metadataValue: "x"',
        "revision: 1": "revision: 99",
        'language: "de"': 'language: "xx"',
        'badge: "projectCreated"': 'badge: "xx"',
        "overlapSeconds: 0": "overlapSeconds: -1",
        "valueType: string": "valueType: boolean",
        "mode: OPEN": "mode: STRICT",
        "historyMaxAge: 365": "historyMaxAge: 0",
    },
    "RevisionConflict": {
        "DOC": "DOC, expectedRevision: 99",
        'patches: [{username: "NAME"': 'patches: [{username: "NAME", expectedRevision: 99',
        'language: "de"': 'language: "de", expectedRevision: 99',
    },
    "BulkPatchPlatformMetadataPayload.userErrors": {"patches: [": 'patches: [{username: "NAME"}, '},
}
"""Replacements in the selections, which cause objects of a type, or those on one path."""
NULL = {
    ("User.userMetadata", "platformKey"),
    ("IssueTokenPayload.accessToken", "revokedAt"),
    ("ClearPlatformMetadataPayload.platformMetadata", "entry"),
    ("PlatformMetadata.history", "prunedUntil"),
}
NULL |= {
    (path, bound)
    for path in ("Platform.definitions", "DefineMetadataPayload.definition")
    for bound in ("minimum", "maximum")  # the definition is of a string
}
"""Fields that are null for everybody who may see them."""
PATHS = {  # from the root to the object that has the field
    "User": "Query.user",
    "LocalAuthUser": "Query.session",
    "ServiceStatus": "Query.serviceStatus",
    "EarnedBadge": "Query.user User.badges",
    "BadgeProgress": "Query.user User.badgeProgress",
    "NotificationConnection": "Query.user User.notifications",
    "AccessTokenConnection": "Query.user User.tokens",
    "AccessTokenEdge": "Query.user User.tokens AccessTokenConnection.edges",
    "NotificationEdge": "Query.user User.notifications NotificationConnection.edges",
    "Platform": "Query.platform",
    "PlatformMetadata": "Query.platformMetadata",
    "UserMetadata": "Query.platformMetadata PlatformMetadata.entry",
    "UserMetadataConnection": "Query.platformMetadata PlatformMetadata.entries",
    "UserMetadataEdge": "Query.platformMetadata PlatformMetadata.entries UserMetadataConnection.edges",
    "RevisionConflict": "Mutation.setUserMetadata SetUserMetadataPayload.userErrors",
    "PlatformMetadataChangeConnection": "Query.platformMetadata PlatformMetadata.history",
    "PlatformMetadataChangeEdge": "Query.platformMetadata PlatformMetadata.history "
    "PlatformMetadataChangeConnection.edges",
    "PlatformMetadataChange": "Query.platformMetadata PlatformMetadata.history "
    "PlatformMetadataChangeConnection.nodes",
    "EntryChange": "Query.platformMetadata PlatformMetadata.history PlatformMetadataChangeConnection.nodes "
    "PlatformMetadataChange.changes",
    "DefineMetadataPayload": "Mutation.defineMetadata",
    "SetMetadataModePayload": "Mutation.setMetadataMode",
    "RetentionPolicy": "Query.platform Platform.retention",
    "SetRetentionPayload": "Mutation.setRetention",
    "RemoveMetadataDefinitionPayload": "Mutation.removeMetadataDefinition",
    "UserConnection": "Query.platform Platform.users",
    "UserEdge": "Query.platform Platform.users UserConnection.edges",
    "PatchPlatformMetadataPayload": "Mutation.patchPlatformMetadata",
    "ReplacePlatformMetadataPayload": "Mutation.replacePlatformMetadata",
    "ClearPlatformMetadataPayload": "Mutation.clearPlatformMetadata",
    "SetUserMetadataPayload": "Mutation.setUserMetadata",
    "RestorePlatformMetadataPayload": "Mutation.restorePlatformMetadata",
    "BulkPatchPlatformMetadataPayload": "Mutation.bulkPatchPlatformMetadata",
    "BulkPatchResult": "Mutation.bulkPatchPlatformMetadata BulkPatchPlatformMetadataPayload.results",
    "CreateUserPayload": "Mutation.createUser",
    "UpdateUserPayload": "Mutation.updateUser",
    "CheckBadgePayload": "Mutation.checkBadge",
    "IssueTokenPayload": "Mutation.issueToken",
    "RevokeTokenPayload": "Mutation.revokeToken",
}
