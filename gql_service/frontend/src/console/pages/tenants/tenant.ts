import type { TenantsQuery } from "../../generated/graphql";

export type Tenant = NonNullable<TenantsQuery["tenants"]>["nodes"][number];

/** Lists of tenants and platforms are read again after these changes, also empty ones. */
export const CHANGED = { additionalTypenames: ["TenantConnection", "PlatformConnection"] };

/** The name of the draft of changes of a tenant. */
export const draftOf = ({ tenantId }: Tenant) => `tenant ${tenantId}`;
