"""The reviewed table of access: what each kind of viewer gets of each field, on each path to its object."""

FIELDS = """
What each viewer gets of a field of an object of `self`, once they have the object (. where nobody such has):

type             fields                                             nobody stranger colleague self admin owner
Query            me session badgeCatalog                                    U v v v v v
Query            user platform node nodes _entities                         U - v v v v
Query            platformMetadata                                           U N F v v v
Query            users                                                      U F F F v v
Query            platforms                                                  U v v v v v
Query            exportUser                                                 U F F v v v
Query            tenants platformOwners                                     U F F F F v
Mutation         createTenant renameTenant deleteTenant                     U F F F F v
Mutation         createPlatform                                             U F F F F v
Mutation         deletePlatform                                             U F F F F v
Mutation         renamePlatform                                             U N F F v v
Tenant           tenantId name createdAt                                    . . . . . v
TenantConnection edges nodes pageInfo                                       . . . . . v
TenantEdge       cursor node                                                . . . . . v
PlatformConnection edges nodes pageInfo                                     . . . v v v
PlatformEdge     cursor node                                                . . . v v v
PlatformMetadataConnection edges nodes pageInfo                             . . . v v v
PlatformMetadataEdge cursor node                                            . . . v v v
CreateTenantPayload tenant userErrors                                       . . . . . v
RenameTenantPayload tenant userErrors                                       . . . . . v
DeleteTenantPayload contents deletedTenantId userErrors                     . . . . . v
TenantContents   users guests platforms documents                           . . . . . v
CreatePlatformPayload platform userErrors                                   . . . . . v
RenamePlatformPayload platform userErrors                                   . . . . v v
DeletePlatformPayload contents deletedPlatformKey userErrors                . . . . . v
PlatformContents documents definitions                                      . . . . . v
Query            limits _service                                            v v v v v v
Query            serviceStatus                                              U F F F F v
Mutation         patchPlatformMetadata                                      U N F v v v
Mutation         replacePlatformMetadata clearPlatformMetadata              U N F v v v
Mutation         setUserMetadata                                            U N F v v v
Mutation         restorePlatformMetadata                                    U N F F v v
Mutation         bulkPatchPlatformMetadata                          U N F F v v
Mutation         createUser checkBadge renameUser                           U F F F v v
Mutation         deleteUser                                                 U F F F v v
Mutation         revokeTokens                                               U F F v v v
Mutation         linkIdentity unlinkIdentity                                U F F F v v
Mutation         updateUser issueToken revokeToken                          U F F v v v
Mutation         markNotificationsRead                                      U v v v v v
Mutation         defineMetadata removeMetadataDefinition                    U N F F v v
Mutation         setMetadataMode setRetention                               U N F F v v
User             id userId tenantId username displayName image badges       . . v v v v
User             badgeProgress profileFields                                . . v v v v
User             email permissions isPlatformOwner                          . . F v v v
User             revision createdAt updatedAt                               . . F v v v
User             platformMetadata userMetadata platforms documents          . . F v v v
User             emailVerified language lastSeenReleaseVersion              . . F v v v
User             passwordChangeDisabled projectCreationDisabled             . . F v v v
User             profileFieldChangeDisabled messagingDisabled               . . F v v v
User             recentProjects personalAgentPermissions optInDecisions     . . F v v v
User             notifications unreadNotificationCount tokens identities    . . F v v v
User             changes                                                    . F F F v v
Identity         issuer subject linkedAt                                    . . . v v v
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
UserChangeConnection edges nodes pageInfo                                   . . . . v v
UserChangeEdge   cursor node                                                . . . . v v
UserChange       id action field member oldValue newValue actorId           . . . . v v
UserChange       actor source changedAt                                     . . . . v v
NotificationEdge cursor node                                                . . . v v v
Notification     id kind title body createdAt readAt                        . . . v v v
AccessTokenConnection edges nodes pageInfo                                  . . . v v v
AccessTokenEdge  cursor node                                                . . . v v v
AccessToken      id label createdAt expiresAt revokedAt scopes platformKeys . . . v v v
Platform         id key name tenantId                                       . . v v v v
Platform         definitions mode retention viewerIsAdmin                   . . v v v v
RetentionPolicy  historyMaxAge historyMaxChanges idempotencyMaxAge          . . v v v v
SetRetentionPayload platform userErrors                                     . . . . v v
MetadataDefinition key valueType createdAt updatedAt minimum maximum        . . v v v v
MetadataDefinition minLength maxLength pattern choices schema               . . v v v v
MetadataDefinition isEncrypted isIndexed isPublic isEditable                . . v v v v
MetadataDefinition category description indexedPaths                        . . v v v v
MetadataDefinition default enabled variants salt userWideFallback           . . v v v v
MetadataDefinition clientVisible title section position                     . . v v v v
MetadataVariant  name value weight                                          . . v v v v
Platform         metadataSchema                                             . . v v v v
Platform         definitionHistory rolloutPreview adoption writesPerDay     . . F F v v
DailyWrites      day writes                                                 . . . . v v
MetadataDefinitionChangeConnection edges nodes pageInfo                     . . . . v v
MetadataDefinitionChangeEdge cursor node                                    . . . . v v
MetadataDefinitionChange key changedAt actor definition                     . . . . v v
RolloutPreview   members overrides moved variants                           . . . . v v
VariantCount     name weight members membersNow                             . . . . v v
Adoption         documents keys                                             . . . . v v
KeyAdoption      key documents                                              . . . . v v
DefineMetadataPayload definition brokenDocuments userErrors                 . . . . v v
DefineMetadataPayload checkedDocuments examples                             . . . . v v
BrokenDocument   username violation                                         . . . . v v
RemoveMetadataDefinitionPayload removed userErrors                          . . . . v v
SetMetadataModePayload platform brokenDocuments userErrors                  . . . . v v
Mutation         createWebhook updateWebhook rotateWebhookSecret            U N F F v v
Mutation         deleteWebhook testWebhook redeliver                        U N F F v v
CreateWebhookPayload webhook secret userErrors                              . . . . v v
UpdateWebhookPayload webhook userErrors                                     . . . . v v
RotateWebhookSecretPayload webhook secret userErrors                        . . . . v v
DeleteWebhookPayload deletedWebhookId userErrors                            . . . . v v
TestWebhookPayload delivery userErrors                                      . . . . v v
RedeliverPayload delivery userErrors                                        . . . . v v
Webhook          webhookId url types state disabledReason failingSince      . . . . v v
Webhook          createdAt updatedAt deliveries                             . . . . v v
WebhookDeliveryConnection edges nodes pageInfo                              . . . . v v
WebhookDeliveryEdge cursor node                                             . . . . v v
WebhookDelivery  deliveryId state isTest attempts createdAt attemptedAt     . . . . v v
WebhookDelivery  nextAt status response error                               . . . . v v
Platform         users events webhooks                                      . . F F v v
EventConnection  edges nodes pageInfo                                       . . . . v v
EventEdge        cursor node                                                . . . . v v
Event            type platformKey userId actorId occurredAt revision        . . . . v v
Event            changedKeys                                                . . . . v v
UserConnection   edges nodes pageInfo totalCount                            . . . . v v
UserEdge         cursor node                                                . . . . v v
PageInfo         hasNextPage hasPreviousPage startCursor endCursor          . . . v v v
PlatformMetadata id userId username platformKey metadata revision           . . . v v v
PlatformMetadata entry entries entrySummaries effective evaluations          . . . v v v
EntrySummary     metadataKey value valueType description digest canChange   . . . v v v
Evaluation       key value reason variant source                            . . . v v v
UserMetadata     id userId metadataKey metadataValue value valueType        . . . v v v
UserMetadata     category description source isEncrypted isIndexed          . . . v v v
UserMetadata     isPublic isEditable validFrom validUntil digest            . . . v v v
UserMetadata     createdAt updatedAt createdBy updatedBy viewerCan          . . . v v v
UserMetadataConnection edges nodes pageInfo totalCount                      . . . v v v
UserMetadataEdge cursor node                                                . . . v v v
EntryCapabilities edit delete                                               . . . v v v
PatchPlatformMetadataPayload   platformMetadata userErrors deletedKeys replayed . . . v v v
ReplacePlatformMetadataPayload platformMetadata userErrors replayed         . . . v v v
BulkPatchPlatformMetadataPayload results written failed userErrors          . . . . v v
BulkPatchResult  username platformMetadata deletedKeys userErrors replayed  . . . . v v
ClearPlatformMetadataPayload   platformMetadata userErrors replayed         . . . v v v
SetUserMetadataPayload platformMetadata userErrors entries deletedKeys replayed . . . v v v
PlatformMetadata createdAt updatedAt user history                           . . . v v v
PlatformMetadataChangeConnection edges nodes pageInfo prunedUntil           . . . v v v
PlatformMetadataChangeEdge cursor node                                      . . . v v v
PlatformMetadataChange revision changedAt source actor changedKeys          . . . v v v
PlatformMetadataChange deletedKeys changes                                  . . . v v v
EntryChange      key old new                                                . . . v v v
PastEntry        value valueType category description source isEncrypted    . . . v v v
PastEntry        isIndexed isPublic isEditable validFrom validUntil         . . . v v v
RestorePlatformMetadataPayload platformMetadata userErrors skippedKeys replayed . . . . v v
CreateUserPayload user userErrors                                           . . . . v v
UpdateUserPayload user userErrors                                           . . . v v v
CheckBadgePayload user userErrors awarded earnedBadge                       . . . . v v
MarkNotificationsReadPayload userErrors readIds                             . v v v v v
IssueTokenPayload userErrors token accessToken                              . . . v v v
RevokeTokenPayload userErrors accessToken                                   . . . v v v
RevokeTokensPayload userErrors revokedIds                                   . . . v v v
RenameUserPayload user userErrors                                           . . . . v v
LinkIdentityPayload user userErrors                                         . . . . v v
UnlinkIdentityPayload user userErrors                                       . . . . v v
DeleteUserPayload userErrors deletion deletedUserId                         . . . . v v
UserDeletion     documents changes badges notifications tokens              . . . . v v
UserDeletion     changedDocuments changedChanges revokedTokens              . . . . v v
UserDeletion     userChanges changedUserChanges                             . . . . v v
InvalidInput     message code field                                         . . . v v v
RevisionConflict message code field currentRevision entries                 . . . v v v
ServiceStatus    version database worker limits                             . . . . . v
DatabaseStatus   kind version migration neededMigration replicas            . . . . . v
ReplicaStatus    name isUsed problem lagSeconds                             . . . . . v
WorkerStatus     processId parentProcessId startedAt uptimeSeconds          . . . . . v
Limits           bodyBytes anonymousBodyBytes jsonValues documentLength     v v v v v v
Limits           documentTokens documentDepth documentAliases               v v v v v v
Limits           documentRootFields documentFields documentCost keyLength   v v v v v v
Limits           valueBytes metadataBytes metadataKeys pageSize nodes       v v v v v v
Limits           patchOperations bulkPatches responseBytes                  v v v v v v
Limits           requestSeconds entitiesCost representations                v v v v v v
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
User             UserMetadata.createdBy UserMetadata.updatedBy              U N F v v v
LocalAuthUser    Query.session                                              U s s s s s
UserOptInDecision User.optInDecisions                                       U - F v v v
UserOptInDecision LocalAuthUser.optInDecisions                              U s s s s s
Badge            Query.badgeCatalog                                         U v v v v v
Badge            EarnedBadge.badge BadgeProgress.locked                     U - v v v v
EarnedBadge      User.badges                                                U - v v v v
EarnedBadge      LocalAuthUser.badges                                       U s s s s s
EarnedBadge      CheckBadgePayload.earnedBadge                              U F F F v v
BadgeProgress    User.badgeProgress                                         U - v v v v
UserChangeConnection User.changes                                           U - F F v v
UserChangeEdge   UserChangeConnection.edges                                 U - F F v v
UserChange       UserChangeConnection.nodes UserChangeEdge.node             U - F F v v
User             UserChange.actor                                           U - F F v v
NotificationConnection User.notifications                                   U - F v v v
NotificationEdge NotificationConnection.edges                               U - F v v v
Notification     NotificationConnection.nodes NotificationEdge.node         U - F v v v
AccessTokenConnection User.tokens                                           U - F v v v
AccessTokenEdge  AccessTokenConnection.edges                                U - F v v v
AccessToken      AccessTokenConnection.nodes AccessTokenEdge.node           U - F v v v
AccessToken      IssueTokenPayload.accessToken                              U F F v v v
AccessToken      RevokeTokenPayload.accessToken                             U F F v v v
Platform         Query.platform Query.node Query.nodes Query._entities      U - v v v v
UserConnection   Platform.users                                             U - F F v v
UserConnection   Query.users                                                U F F F v v
UserConnection   Query.platformOwners                                       U F F F F v
TenantConnection Query.tenants                                              U F F F F v
TenantEdge       TenantConnection.edges                                     U F F F F v
Tenant           TenantConnection.nodes TenantEdge.node                     U F F F F v
Tenant           CreateTenantPayload.tenant RenameTenantPayload.tenant      U F F F F v
PageInfo         TenantConnection.pageInfo                                  U F F F F v
PlatformConnection Query.platforms                                          U s s s s s
PlatformConnection User.platforms                                           U - F v v v
PlatformEdge     PlatformConnection.edges                                   U - F v v v
Platform         PlatformConnection.nodes PlatformEdge.node                 U - F v v v
PageInfo         PlatformConnection.pageInfo                                U - F v v v
PlatformMetadataConnection User.documents                                   U - F v v v
PlatformMetadataEdge PlatformMetadataConnection.edges                       U - F v v v
PlatformMetadata PlatformMetadataConnection.nodes PlatformMetadataEdge.node U - F v v v
PageInfo         PlatformMetadataConnection.pageInfo                        U - F v v v
CreateTenantPayload          Mutation.createTenant                          U F F F F v
RenameTenantPayload          Mutation.renameTenant                          U F F F F v
DeleteTenantPayload          Mutation.deleteTenant                          U F F F F v
TenantContents   DeleteTenantPayload.contents                               U F F F F v
CreatePlatformPayload        Mutation.createPlatform                        U F F F F v
RenamePlatformPayload        Mutation.renamePlatform                        U N F F v v
DeletePlatformPayload        Mutation.deletePlatform                        U F F F F v
PlatformContents DeletePlatformPayload.contents                             U F F F F v
Platform         CreatePlatformPayload.platform                             U F F F F v
Platform         RenamePlatformPayload.platform                             U N F F v v
InvalidInput     CreateTenantPayload.userErrors                             U F F F F v
InvalidInput     RenameTenantPayload.userErrors                             U F F F F v
InvalidInput     DeleteTenantPayload.userErrors                             U F F F F v
InvalidInput     CreatePlatformPayload.userErrors                           U F F F F v
InvalidInput     RenamePlatformPayload.userErrors                           U N F F v v
InvalidInput     DeletePlatformPayload.userErrors                           U F F F F v
RevisionConflict CreateTenantPayload.userErrors                             never
RevisionConflict RenameTenantPayload.userErrors                             never
RevisionConflict DeleteTenantPayload.userErrors                             never
RevisionConflict CreatePlatformPayload.userErrors                           never
RevisionConflict RenamePlatformPayload.userErrors                           never
RevisionConflict DeletePlatformPayload.userErrors                           never
Webhook          Platform.webhooks                                          U - F F v v
Webhook          CreateWebhookPayload.webhook                               U N F F v v
Webhook          UpdateWebhookPayload.webhook                               U N F F v v
Webhook          RotateWebhookSecretPayload.webhook                         U N F F v v
WebhookDeliveryConnection Webhook.deliveries                                         U - F F v v
WebhookDeliveryEdge WebhookDeliveryConnection.edges                            U - F F v v
WebhookDelivery  WebhookDeliveryConnection.nodes WebhookDeliveryEdge.node   U - F F v v
WebhookDelivery  TestWebhookPayload.delivery RedeliverPayload.delivery      U N F F v v
PageInfo         WebhookDeliveryConnection.pageInfo                         U - F F v v
CreateWebhookPayload Mutation.createWebhook                                     U N F F v v
InvalidInput     CreateWebhookPayload.userErrors                            U N F F v v
RevisionConflict CreateWebhookPayload.userErrors                            never
UpdateWebhookPayload Mutation.updateWebhook                                     U N F F v v
InvalidInput     UpdateWebhookPayload.userErrors                            U N F F v v
RevisionConflict UpdateWebhookPayload.userErrors                            never
RotateWebhookSecretPayload Mutation.rotateWebhookSecret                               U N F F v v
InvalidInput     RotateWebhookSecretPayload.userErrors                      U N F F v v
RevisionConflict RotateWebhookSecretPayload.userErrors                      never
DeleteWebhookPayload Mutation.deleteWebhook                                     U N F F v v
InvalidInput     DeleteWebhookPayload.userErrors                            U N F F v v
RevisionConflict DeleteWebhookPayload.userErrors                            never
TestWebhookPayload Mutation.testWebhook                                       U N F F v v
InvalidInput     TestWebhookPayload.userErrors                              U N F F v v
RevisionConflict TestWebhookPayload.userErrors                              never
RedeliverPayload Mutation.redeliver                                         U N F F v v
InvalidInput     RedeliverPayload.userErrors                                U N F F v v
RevisionConflict RedeliverPayload.userErrors                                never
EventConnection  Platform.events                                            U - F F v v
EventEdge        EventConnection.edges                                      U - F F v v
Event            EventConnection.nodes EventEdge.node                       U - F F v v
PageInfo         EventConnection.pageInfo                                   U - F F v v
UserEdge         UserConnection.edges                                       U - F F v v
PageInfo         UserConnection.pageInfo                                    U - F F v v
PageInfo         UserChangeConnection.pageInfo                              U - F F v v
PageInfo         NotificationConnection.pageInfo                            U - F v v v
PageInfo         AccessTokenConnection.pageInfo                             U - F v v v
PageInfo         UserMetadataConnection.pageInfo                             U N F v v v
PageInfo         PlatformMetadataChangeConnection.pageInfo                  U N F v v v
PlatformMetadata Query.platformMetadata                                     U N F v v v
PlatformMetadata Query.node Query.nodes Query._entities                     U - - v v v
PlatformMetadata User.platformMetadata User.userMetadata                    U - F v v v
PlatformMetadata PatchPlatformMetadataPayload.platformMetadata              U N F v v v
PlatformMetadata ReplacePlatformMetadataPayload.platformMetadata            U N F v v v
PlatformMetadata ClearPlatformMetadataPayload.platformMetadata              U N F v v v
PlatformMetadata SetUserMetadataPayload.platformMetadata                    U N F v v v
UserMetadata     PlatformMetadata.entry                                     U N F v v v
UserMetadata     Query.node Query.nodes Query._entities                     U - - v v v
UserMetadata     UserMetadataConnection.nodes UserMetadataEdge.node         U N F v v v
UserMetadata     SetUserMetadataPayload.entries RevisionConflict.entries    U N F v v v
UserMetadataConnection PlatformMetadata.entries                             U N F v v v
EntrySummary     PlatformMetadata.entrySummaries                            U N F v v v
UserMetadataEdge UserMetadataConnection.edges                               U N F v v v
EntryCapabilities UserMetadata.viewerCan                                    U N F v v v
PlatformMetadata RestorePlatformMetadataPayload.platformMetadata            U N F F v v
PlatformMetadataChangeConnection PlatformMetadata.history                   U N F v v v
PlatformMetadataChangeEdge PlatformMetadataChangeConnection.edges           U N F v v v
PlatformMetadataChange PlatformMetadataChangeConnection.nodes               U N F v v v
PlatformMetadataChange PlatformMetadataChangeEdge.node                      U N F v v v
EntryChange      PlatformMetadataChange.changes                             U N F v v v
PastEntry        EntryChange.old EntryChange.new                            U N F v v v
User             PlatformMetadataChange.actor                               U N F v v v
RestorePlatformMetadataPayload Mutation.restorePlatformMetadata             U N F F v v
PatchPlatformMetadataPayload   Mutation.patchPlatformMetadata               U N F v v v
ReplacePlatformMetadataPayload Mutation.replacePlatformMetadata             U N F v v v
ClearPlatformMetadataPayload   Mutation.clearPlatformMetadata               U N F v v v
SetUserMetadataPayload         Mutation.setUserMetadata                     U N F v v v
PlatformMetadata BulkPatchResult.platformMetadata                           U N F F v v
BulkPatchPlatformMetadataPayload Mutation.bulkPatchPlatformMetadata         U N F F v v
BulkPatchResult  BulkPatchPlatformMetadataPayload.results                   U N F F v v
CreateUserPayload            Mutation.createUser                            U F F F v v
UpdateUserPayload            Mutation.updateUser                            U F F v v v
CheckBadgePayload            Mutation.checkBadge                            U F F F v v
MarkNotificationsReadPayload Mutation.markNotificationsRead                 U v v v v v
IssueTokenPayload            Mutation.issueToken                            U F F v v v
RevokeTokenPayload           Mutation.revokeToken                           U F F v v v
RevokeTokensPayload          Mutation.revokeTokens                          U F F v v v
RenameUserPayload            Mutation.renameUser                            U F F F v v
DeleteUserPayload            Mutation.deleteUser                            U F F F v v
UserDeletion     DeleteUserPayload.deletion                                 U F F F v v
User             RenameUserPayload.user                                     U F F F v v
InvalidInput     RenameUserPayload.userErrors                               U F F F v v
Identity         User.identities                                            U - F v v v
LinkIdentityPayload          Mutation.linkIdentity                          U F F F v v
UnlinkIdentityPayload        Mutation.unlinkIdentity                        U F F F v v
User             LinkIdentityPayload.user UnlinkIdentityPayload.user        U F F F v v
InvalidInput     LinkIdentityPayload.userErrors                             U F F F v v
InvalidInput     UnlinkIdentityPayload.userErrors                           U F F F v v
RevisionConflict LinkIdentityPayload.userErrors                             never
RevisionConflict UnlinkIdentityPayload.userErrors                           never
RevisionConflict RenameUserPayload.userErrors                               U F F F v v
InvalidInput     DeleteUserPayload.userErrors                               never
RevisionConflict DeleteUserPayload.userErrors                               never
InvalidInput     RevokeTokensPayload.userErrors                             never
RevisionConflict RevokeTokensPayload.userErrors                             never
InvalidInput     PatchPlatformMetadataPayload.userErrors                    U N F v v v
InvalidInput     ReplacePlatformMetadataPayload.userErrors                  U N F v v v
InvalidInput     SetUserMetadataPayload.userErrors                          U N F v v v
InvalidInput     ClearPlatformMetadataPayload.userErrors                    never
InvalidInput     RestorePlatformMetadataPayload.userErrors                  U N F F v v
InvalidInput     BulkPatchPlatformMetadataPayload.userErrors                U N F F v v
InvalidInput     BulkPatchResult.userErrors                                 U N F F v v
InvalidInput     CreateUserPayload.userErrors CheckBadgePayload.userErrors  U F F F v v
InvalidInput     UpdateUserPayload.userErrors IssueTokenPayload.userErrors  U F F v v v
InvalidInput     MarkNotificationsReadPayload.userErrors                    never
InvalidInput     RevokeTokenPayload.userErrors                              never
RevisionConflict PatchPlatformMetadataPayload.userErrors                    U N F v v v
RevisionConflict ReplacePlatformMetadataPayload.userErrors                  U N F v v v
RevisionConflict ClearPlatformMetadataPayload.userErrors                    U N F v v v
RevisionConflict SetUserMetadataPayload.userErrors                          U N F v v v
RevisionConflict RestorePlatformMetadataPayload.userErrors                  U N F F v v
RevisionConflict BulkPatchPlatformMetadataPayload.userErrors                never
RevisionConflict BulkPatchResult.userErrors                                 U N F F v v
RevisionConflict UpdateUserPayload.userErrors                               U F F v v v
RevisionConflict CreateUserPayload.userErrors CheckBadgePayload.userErrors  never
RevisionConflict MarkNotificationsReadPayload.userErrors                    never
RevisionConflict IssueTokenPayload.userErrors RevokeTokenPayload.userErrors never
MetadataDefinition Platform.definitions                                     U - v v v v
RetentionPolicy  Platform.retention                                         U - v v v v
MetadataDefinition DefineMetadataPayload.definition                         U N F F v v
BrokenDocument   DefineMetadataPayload.examples                             U N F F v v
MetadataDefinition MetadataDefinitionChange.definition                      U - F F v v
MetadataVariant  MetadataDefinition.variants                                U - v v v v
MetadataDefinitionChangeConnection Platform.definitionHistory               U - F F v v
MetadataDefinitionChangeEdge MetadataDefinitionChangeConnection.edges       U - F F v v
MetadataDefinitionChange MetadataDefinitionChangeConnection.nodes           U - F F v v
MetadataDefinitionChange MetadataDefinitionChangeEdge.node                  U - F F v v
PageInfo         MetadataDefinitionChangeConnection.pageInfo                U - F F v v
User             MetadataDefinitionChange.actor                             U - F F v v
RolloutPreview   Platform.rolloutPreview                                    U - F F v v
VariantCount     RolloutPreview.variants                                    U - F F v v
Adoption         Platform.adoption                                          U - F F v v
KeyAdoption      Adoption.keys                                              U - F F v v
DailyWrites      Platform.writesPerDay                                      U - F F v v
Evaluation       PlatformMetadata.evaluations                               U N F v v v
Platform         SetMetadataModePayload.platform                            U N F F v v
Platform         SetRetentionPayload.platform                               U N F F v v
DefineMetadataPayload           Mutation.defineMetadata                     U N F F v v
RemoveMetadataDefinitionPayload Mutation.removeMetadataDefinition           U N F F v v
SetMetadataModePayload          Mutation.setMetadataMode                    U N F F v v
SetRetentionPayload             Mutation.setRetention                       U N F F v v
InvalidInput     DefineMetadataPayload.userErrors                           U N F F v v
InvalidInput     SetMetadataModePayload.userErrors                          U N F F v v
InvalidInput     SetRetentionPayload.userErrors                             U N F F v v
InvalidInput     RemoveMetadataDefinitionPayload.userErrors                 never
RevisionConflict DefineMetadataPayload.userErrors                           never
RevisionConflict SetMetadataModePayload.userErrors                          never
RevisionConflict SetRetentionPayload.userErrors                             never
RevisionConflict RemoveMetadataDefinitionPayload.userErrors                 never
Limits           Query.limits                                               v v v v v v
_Service         Query._service                                             v v v v v v
ServiceStatus    Query.serviceStatus                                        U F F F F v
DatabaseStatus   ServiceStatus.database                                     U F F F F v
ReplicaStatus    DatabaseStatus.replicas                                    never
WorkerStatus     ServiceStatus.worker                                       U F F F F v
Limits           ServiceStatus.limits                                       U F F F F v
"""
