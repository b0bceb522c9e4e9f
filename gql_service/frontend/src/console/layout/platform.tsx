/** The platform that is looked at: part of the address of each page that depends on it. */
import { createContext, useContext } from "react";
import { useParams } from "react-router";
import type { PlatformsQuery } from "../generated/graphql";

export type Platform = NonNullable<PlatformsQuery["platforms"]>["nodes"][number];

export const PlatformsContext = createContext<readonly Platform[]>([]);

/** All platforms that the viewer may see. */
export const usePlatforms = () => useContext(PlatformsContext);

/** The platform of the address, else the first. Undefined if there is none. */
export function usePlatform(): Platform | undefined {
  const platforms = usePlatforms();
  const { platformKey } = useParams();
  return platforms.find((each) => each.key === platformKey) ?? platforms[0];
}
