import type { AllPlatformsQuery } from "../../generated/graphql";

export type Platform = NonNullable<AllPlatformsQuery["platforms"]>["nodes"][number];

/** Lists of platforms are read again after these changes, also empty ones. */
export const CHANGED = { additionalTypenames: ["PlatformConnection"] };
