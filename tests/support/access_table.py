"""The reviewed table of access: what each kind of viewer gets of each field, by each way to its object."""

FIELDS = """
What each viewer gets of a field of an object of `self`, once they have the object (. where nobody such has):

type             fields                                             nobody stranger colleague self admin owner
Query            me session badgeCatalog                                    U v v v v v
Query            user platform node nodes _entities                         U - v v v v
Query            platformMetadata                                           U N F v v v
Query            limits _service                                            v v v v v v
Mutation         patchPlatformMetadata                                      U N F v v v
Mutation         replacePlatformMetadata clearPlatformMetadata              U N F v v v
Mutation         createUser checkBadge                                      U F F F v v
Mutation         updateUser issueToken revokeToken                          U F F v v v
Mutation         markNotificationsRead                                      U v v v v v
Mutation         defineMetadata removeMetadataDefinition                    U N F F v v
Mutation         setMetadataMode                                            U N F F v v
User             id userId tenantId username displayName image badges       . . v v v v
User             badgeProgress profileFields                                . . v v v v
User             email permissions isPlatformOwner                          . . F v v v
User             revision createdAt updatedAt                               . . F v v v
User             platformMetadata userMetadata                              . . F v v v
User             emailVerified language lastSeenReleaseVersion              . . F v v v
User             passwordChangeDisabled projectCreationDisabled             . . F v v v
User             profileFieldChangeDisabled messagingDisabled               . . F v v v
User             recentProjects personalAgentPermissions optInDecisions     . . F v v v
User             notifications unreadNotificationCount tokens               . . F v v v
LocalAuthUser    id createdAt updatedAt tenantId email permissions          . . . v . .
LocalAuthUser    profileFields badges optInDecisions revision               . . . v . .
LocalAuthUser    passwordChangeDisabled projectCreationDisabled             . . . v . .
LocalAuthUser    profileFieldChangeDisabled messagingDisabled               . . . v . .
LocalAuthUser    isPlatformOwner recentProjects lastSeenReleaseVersion      . . . v . .
LocalAuthUser    language personalAgentPermissions                          . . . v . .
UserOptInDecision name optedIn decidedAt                                    . . . v v v
Badge            name title description criteria                            . v v v v v
EarnedBadge      name earnedAt badge                                        . . v v v v
BadgeProgress    earned total locked                                        . . v v v v
NotificationConnection edges nodes pageInfo                                 . . . v v v
NotificationEdge cursor node                                                . . . v v v
Notification     id kind title body createdAt readAt                        . . . v v v
AccessToken      id label createdAt expiresAt revokedAt                     . . . v v v
Platform         id key name tenantId                                       . . v v v v
Platform         definitions mode                                           . . v v v v
MetadataDefinition key valueType createdAt updatedAt minimum maximum        . . v v v v
MetadataDefinition minLength maxLength pattern choices schema               . . v v v v
MetadataDefinition isEncrypted isIndexed isPublic isEditable                . . v v v v
MetadataDefinition category description                                     . . v v v v
DefineMetadataPayload definition brokenDocuments userErrors                 . . . . v v
RemoveMetadataDefinitionPayload removed userErrors                          . . . . v v
SetMetadataModePayload platform brokenDocuments userErrors                  . . . . v v
Platform         users                                                      . . F F v v
UserConnection   edges nodes pageInfo totalCount                            . . . . v v
UserEdge         cursor node                                                . . . . v v
PageInfo         hasNextPage hasPreviousPage startCursor endCursor          . . . v v v
PlatformMetadata id username platformKey metadata revision                  . . . v v v
PlatformMetadata createdAt updatedAt user                                   . . . v v v
PatchPlatformMetadataPayload   platformMetadata userErrors deletedKeys      . . . v v v
ReplacePlatformMetadataPayload platformMetadata userErrors                  . . . v v v
ClearPlatformMetadataPayload   platformMetadata userErrors                  . . . v v v
CreateUserPayload user userErrors                                           . . . . v v
UpdateUserPayload user userErrors                                           . . . v v v
CheckBadgePayload user userErrors awarded earnedBadge                       . . . . v v
MarkNotificationsReadPayload userErrors readIds                             . v v v v v
IssueTokenPayload userErrors token accessToken                              . . . v v v
RevokeTokenPayload userErrors accessToken                                   . . . v v v
InvalidInput     message code field                                         . . . v v v
RevisionConflict message code field currentRevision                         . . . v v v
Limits           bodyBytes documentTokens documentDepth documentAliases     v v v v v v
Limits           documentRootFields documentFields documentCost keyLength   v v v v v v
Limits           valueBytes metadataBytes metadataKeys pageSize nodes       v v v v v v
Limits           requestSeconds                                             v v v v v v
_Service         sdl                                                        v v v v v v
"""
REACH = """
What each viewer gets of the object of `self` by each way (s: an object of their own, of which they see all):

type             by the fields                                      nobody stranger colleague self admin owner
Query            query                                                      v v v v v v
Mutation         mutation                                                   v v v v v v
User             Query.me                                                   U s s s s s
User             Query.user Query.node Query.nodes Query._entities          U - v v v v
User             UserConnection.nodes UserEdge.node                         U - F F v v
User             PlatformMetadata.user                                      U N F v v v
User             CreateUserPayload.user CheckBadgePayload.user              U F F F v v
User             UpdateUserPayload.user                                     U F F v v v
LocalAuthUser    Query.session                                              U s s s s s
UserOptInDecision User.optInDecisions                                       U - F v v v
UserOptInDecision LocalAuthUser.optInDecisions                              U s s s s s
Badge            Query.badgeCatalog                                         U v v v v v
Badge            EarnedBadge.badge BadgeProgress.locked                     U - v v v v
EarnedBadge      User.badges                                                U - v v v v
EarnedBadge      LocalAuthUser.badges                                       U s s s s s
EarnedBadge      CheckBadgePayload.earnedBadge                              U F F F v v
BadgeProgress    User.badgeProgress                                         U - v v v v
NotificationConnection User.notifications                                   U - F v v v
NotificationEdge NotificationConnection.edges                               U - F v v v
Notification     NotificationConnection.nodes NotificationEdge.node         U - F v v v
AccessToken      User.tokens                                                U - F v v v
AccessToken      IssueTokenPayload.accessToken                              U F F v v v
AccessToken      RevokeTokenPayload.accessToken                             U F F v v v
Platform         Query.platform Query.node Query.nodes Query._entities      U - v v v v
UserConnection   Platform.users                                             U - F F v v
UserEdge         UserConnection.edges                                       U - F F v v
PageInfo         UserConnection.pageInfo                                    U - F F v v
PageInfo         NotificationConnection.pageInfo                            U - F v v v
PlatformMetadata Query.platformMetadata                                     U N F v v v
PlatformMetadata Query.node Query.nodes Query._entities                     U - - v v v
PlatformMetadata User.platformMetadata User.userMetadata                    U - F v v v
PlatformMetadata PatchPlatformMetadataPayload.platformMetadata              U N F v v v
PlatformMetadata ReplacePlatformMetadataPayload.platformMetadata            U N F v v v
PlatformMetadata ClearPlatformMetadataPayload.platformMetadata              U N F v v v
PatchPlatformMetadataPayload   Mutation.patchPlatformMetadata               U N F v v v
ReplacePlatformMetadataPayload Mutation.replacePlatformMetadata             U N F v v v
ClearPlatformMetadataPayload   Mutation.clearPlatformMetadata               U N F v v v
CreateUserPayload            Mutation.createUser                            U F F F v v
UpdateUserPayload            Mutation.updateUser                            U F F v v v
CheckBadgePayload            Mutation.checkBadge                            U F F F v v
MarkNotificationsReadPayload Mutation.markNotificationsRead                 U v v v v v
IssueTokenPayload            Mutation.issueToken                            U F F v v v
RevokeTokenPayload           Mutation.revokeToken                           U F F v v v
InvalidInput     PatchPlatformMetadataPayload.userErrors                    U N F v v v
InvalidInput     ReplacePlatformMetadataPayload.userErrors                  U N F v v v
InvalidInput     ClearPlatformMetadataPayload.userErrors                    never
InvalidInput     CreateUserPayload.userErrors CheckBadgePayload.userErrors  U F F F v v
InvalidInput     UpdateUserPayload.userErrors IssueTokenPayload.userErrors  U F F v v v
InvalidInput     MarkNotificationsReadPayload.userErrors                    never
InvalidInput     RevokeTokenPayload.userErrors                              never
RevisionConflict PatchPlatformMetadataPayload.userErrors                    U N F v v v
RevisionConflict ReplacePlatformMetadataPayload.userErrors                  U N F v v v
RevisionConflict ClearPlatformMetadataPayload.userErrors                    U N F v v v
RevisionConflict UpdateUserPayload.userErrors                               U F F v v v
RevisionConflict CreateUserPayload.userErrors CheckBadgePayload.userErrors  never
RevisionConflict MarkNotificationsReadPayload.userErrors                    never
RevisionConflict IssueTokenPayload.userErrors RevokeTokenPayload.userErrors never
MetadataDefinition Platform.definitions                                     U - v v v v
MetadataDefinition DefineMetadataPayload.definition                         U N F F v v
Platform         SetMetadataModePayload.platform                            U N F F v v
DefineMetadataPayload           Mutation.defineMetadata                     U N F F v v
RemoveMetadataDefinitionPayload Mutation.removeMetadataDefinition           U N F F v v
SetMetadataModePayload          Mutation.setMetadataMode                    U N F F v v
InvalidInput     DefineMetadataPayload.userErrors                           U N F F v v
InvalidInput     SetMetadataModePayload.userErrors                          U N F F v v
InvalidInput     RemoveMetadataDefinitionPayload.userErrors                 never
RevisionConflict DefineMetadataPayload.userErrors                           never
RevisionConflict SetMetadataModePayload.userErrors                          never
RevisionConflict RemoveMetadataDefinitionPayload.userErrors                 never
Limits           Query.limits                                               v v v v v v
_Service         Query._service                                             v v v v v v
"""
SELECT = {
    "Query.user": 'user(by: {username: "NAME"})',
    "Query.platform": 'platform(key: "KEY")',
    "Query.platformMetadata": 'platformMetadata(platformKey: "KEY", username: "NAME")',
    "Query.node": 'node(id: "GID")',
    "Query.nodes": 'nodes(ids: ["GID"])',
    "Query._entities": '_entities(representations: [{__typename: "TYPE", ENTITY}])',
    "User.platformMetadata": 'platformMetadata(platformKey: "KEY")',
    "User.notifications": "notifications(first: 1)",
    "Platform.users": 'users(first: 1, where: {usernamePrefix: "NAME"})',
    "Mutation.patchPlatformMetadata": "patchPlatformMetadata(input: {DOC, metadata: {a: 1}})",
    "Mutation.replacePlatformMetadata": "replacePlatformMetadata(input: {DOC, metadata: {a: 1}})",
    "Mutation.clearPlatformMetadata": "clearPlatformMetadata(input: {DOC})",
    "Mutation.defineMetadata": """defineMetadata(input: {platformKey: "KEY", key: "plan", valueType: string,
        minLength: 1, maxLength: 9, pattern: "a", choices: ["a"], schema: {}, isEncrypted: false,
        isIndexed: false, isPublic: true, isEditable: true, category: "c", description: "d"})""",
    "Mutation.removeMetadataDefinition": 'removeMetadataDefinition(input: {platformKey: "KEY", key: "none"})',
    "Mutation.setMetadataMode": 'setMetadataMode(input: {platformKey: "KEY", mode: OPEN})',
    "Mutation.createUser": """createUser(input: {username: "FRESH", tenantId: "TENANT", email: "a@b",
        image: "https://a/b", lastSeenReleaseVersion: "1", language: "de"})""",
    "Mutation.updateUser": 'updateUser(input: {username: "NAME", language: "de"})',
    "Mutation.checkBadge": 'checkBadge(input: {username: "NAME", badge: "projectCreated"})',
    "Mutation.markNotificationsRead": "markNotificationsRead(input: {ids: []})",
    "Mutation.issueToken": 'issueToken(input: {username: "NAME", expiresInSeconds: 9, overlapSeconds: 0})',
    "Mutation.revokeToken": 'revokeToken(input: {id: "TOKEN"})',
}
"""How to select a field that needs arguments; what is written matters to no other cell, except by clear."""
SPOILT = {
    "InvalidInput": {
        "a: 1": f"{'a' * 256}: 1",
        'language: "de"': 'language: "xx"',
        'badge: "projectCreated"': 'badge: "xx"',
        "overlapSeconds: 0": "overlapSeconds: -1",
        "valueType: string": "valueType: boolean",
        "mode: OPEN": "mode: STRICT",
    },
    "RevisionConflict": {
        "DOC": "DOC, expectedRevision: 99",
        'language: "de"': 'language: "de", expectedRevision: 99',
    },
}
"""What to write instead, to get one of these."""
NULL = {("User.userMetadata", "platformKey"), ("IssueTokenPayload.accessToken", "revokedAt")}
NULL |= {
    (way, bound)
    for way in ("Platform.definitions", "DefineMetadataPayload.definition")
    for bound in ("minimum", "maximum")  # a text has none
}
"""What is null for everybody who may see it."""
WAYS = {  # from the root to the object that has the field
    "User": "Query.user",
    "LocalAuthUser": "Query.session",
    "EarnedBadge": "Query.user User.badges",
    "BadgeProgress": "Query.user User.badgeProgress",
    "NotificationConnection": "Query.user User.notifications",
    "NotificationEdge": "Query.user User.notifications NotificationConnection.edges",
    "Platform": "Query.platform",
    "PlatformMetadata": "Query.platformMetadata",
    "DefineMetadataPayload": "Mutation.defineMetadata",
    "SetMetadataModePayload": "Mutation.setMetadataMode",
    "RemoveMetadataDefinitionPayload": "Mutation.removeMetadataDefinition",
    "UserConnection": "Query.platform Platform.users",
    "UserEdge": "Query.platform Platform.users UserConnection.edges",
    "PatchPlatformMetadataPayload": "Mutation.patchPlatformMetadata",
    "ReplacePlatformMetadataPayload": "Mutation.replacePlatformMetadata",
    "ClearPlatformMetadataPayload": "Mutation.clearPlatformMetadata",
    "CreateUserPayload": "Mutation.createUser",
    "UpdateUserPayload": "Mutation.updateUser",
    "CheckBadgePayload": "Mutation.checkBadge",
    "IssueTokenPayload": "Mutation.issueToken",
    "RevokeTokenPayload": "Mutation.revokeToken",
}
