/** The events that happen while the page is open. While the reader points at the list, new ones wait. */
import { useEffect, useRef, useState } from "react";
import { type CombinedError, useSubscription } from "urql";
import { type EventPartsFragment, PlatformEventsDocument } from "../../generated/graphql";
import { useConnection } from "../../session";

export interface LiveEvent extends EventPartsFragment {
  /** When the page got to show it, in milliseconds. */
  shownAt: number;
}

/** How many are remembered. */
const MOST = 500;

interface State {
  shown: readonly LiveEvent[];
  waiting: readonly EventPartsFragment[];
}

export interface Live extends State {
  error?: CombinedError;
  show: () => void;
  /** Tell whether the reader points at the list. */
  hold: (isHeld: boolean) => void;
}

/** @param start The cursor to begin after; null for what happens from now on; undefined if it is not known yet. */
export function useLive(platformKey: string, start: string | null | undefined): Live {
  const [{ shown, waiting }, setState] = useState<State>({ shown: [], waiting: [] });
  const isHeld = useRef(false);
  const last = useRef<string>(undefined);
  const after = useResumption(last, start);

  const [{ error }] = useSubscription(
    {
      query: PlatformEventsDocument,
      variables: { platformKey, after },
      pause: start === undefined,
    },
    (_, event) => {
      const edge = event.platformEvents;
      if (edge) {
        last.current = edge.cursor;
        setState((state) => add(state, edge, isHeld.current));
      }
      return event;
    },
  );
  return {
    shown,
    waiting,
    error,
    show: () => setState(showAll),
    hold: (held) => void (isHeld.current = held),
  };
}

/** Where to begin: after an interruption, after the last event that came. */
function useResumption(last: { current: string | undefined }, start: string | null | undefined) {
  const { onLive } = useConnection();
  const [resumed, setResumed] = useState<string>();
  useEffect(() => onLive((isLive) => isLive && last.current && setResumed(last.current)), [onLive, last]);
  return resumed ?? start;
}

function add(state: State, edge: EventPartsFragment, isHeld: boolean): State {
  const isKnown = (each: EventPartsFragment) => each.cursor === edge.cursor;
  if (state.shown.some(isKnown) || state.waiting.some(isKnown)) return state;
  const waiting = [edge, ...state.waiting].slice(0, MOST);
  // Those that wait already stay until they are asked for, so that none is out of order.
  return isHeld || state.waiting.length ? { ...state, waiting } : showAll({ ...state, waiting });
}

function showAll({ shown, waiting }: State): State {
  const shownAt = Date.now();
  return { shown: [...waiting.map((edge) => ({ ...edge, shownAt })), ...shown].slice(0, MOST), waiting: [] };
}
