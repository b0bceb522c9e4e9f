/** How many users the weights would reach, asked when the sliders have rested for a moment. */
import { useParams } from "react-router";
import { useQuery } from "urql";
import { RolloutPreviewDocument } from "../../generated/graphql";
import { useRested } from "./rested";

export function usePreview(key: string, variants: readonly { name: string; weight: number }[]) {
  const { platformKey = "" } = useParams();
  const rested = useRested(JSON.stringify(variants.map(({ name, weight }) => ({ name, weight }))), 200);
  const [{ data }] = useQuery({
    query: RolloutPreviewDocument,
    variables: { platformKey, key, variants: JSON.parse(rested) as { name: string; weight: number }[] },
    pause: variants.length === 0,
  });
  return data?.platform?.rolloutPreview ?? undefined;
}
