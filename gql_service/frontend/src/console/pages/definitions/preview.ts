/** How many users the weights would reach, asked when the sliders have rested for a moment. */
import { useEffect, useState } from "react";
import { useParams } from "react-router";
import { useQuery } from "urql";
import { RolloutPreviewDocument } from "../../generated/graphql";

const REST = 200;

export function usePreview(key: string, variants: readonly { name: string; weight: number }[]) {
  const { platformKey = "" } = useParams();
  const wanted = JSON.stringify(variants.map(({ name, weight }) => ({ name, weight })));
  const [rested, setRested] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setRested(wanted), REST);
    return () => clearTimeout(timer);
  }, [wanted]);
  const [{ data }] = useQuery({
    query: RolloutPreviewDocument,
    variables: { platformKey, key, variants: JSON.parse(rested) as { name: string; weight: number }[] },
    pause: variants.length === 0,
  });
  return data?.platform?.rolloutPreview ?? undefined;
}
