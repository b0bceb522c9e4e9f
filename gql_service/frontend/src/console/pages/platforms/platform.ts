import type { AllPlatformsQuery } from "../../generated/graphql";

export type Platform = NonNullable<AllPlatformsQuery["platforms"]>["nodes"][number];

/** Lists of platforms are read again after these changes, also empty ones. */
export const CHANGED = { additionalTypenames: ["PlatformConnection"] };

/** The name of the draft of changes of a platform. */
export const draftOf = ({ key }: Platform) => `platform ${key}`;
