/** A bulk change in chunks: first tried, then applied to documents that are still as they were. */
import { useEffect, useRef, useState } from "react";
import { type Client, useClient } from "urql";
import { problemOf } from "../../components/problem";
import { BulkFilteredDocument, BulkListedDocument, BulkPatchDocument, type BulkUserFragment } from "../../generated/graphql";
import type { Platform } from "../../layout/platform";
import { inputOf } from "../users/filter";
import { isWaiting, keysOf, linesOf, type Patch, type Plan, type Row, rowOf } from "./patch";

const CHUNK = 50;

export interface Bulk {
  state: "new" | "trying" | "tried" | "applying" | "applied";
  rows: readonly Row[];
  done: number;
  /** Null while it is unknown. */
  total: number | null;
  problem: string | null;
}

const NEW: Bulk = { state: "new", rows: [], done: 0, total: null, problem: null };
const FRESH = { requestPolicy: "network-only" } as const;

export function useBulk(platform: Platform, unknownUser: string) {
  const client = useClient();
  const [bulk, setBulk] = useState<Bulk>(NEW);
  const isCancelled = useRef(false);
  useEffect(() => () => void (isCancelled.current = true), []);

  async function attempt(plan: Plan, patch: Patch) {
    isCancelled.current = false;
    setBulk({ ...NEW, state: "trying" });
    const rows: Row[] = [];
    try {
      for await (const { users, missing, total } of people(client, platform, plan, keysOf(patch))) {
        if (users.length > 0) rows.push(...(await tried(client, platform.key, users, patch)));
        rows.push(...missing.map((username) => ({ ...rowOf(username, 0, {}, undefined), problem: unknownUser })));
        // Half a list would look like the whole one.
        if (isCancelled.current) return setBulk(NEW);
        setBulk({ ...NEW, state: "trying", done: rows.length, total });
      }
      setBulk({ state: "tried", rows, done: rows.length, total: rows.length, problem: null });
    } catch (error) {
      setBulk({ ...NEW, problem: messageOf(error) });
    }
  }

  /** What is written already, or refused, is left out: so this also goes on after it was cancelled or cut off. */
  async function apply(patch: Patch) {
    isCancelled.current = false;
    let rows = [...bulk.rows];
    const waiting = rows.filter(isWaiting);
    const show = (part: Partial<Bulk>) => setBulk((last) => ({ ...last, rows, total: waiting.length, ...part }));
    show({ state: "applying", done: 0, problem: null });
    try {
      for (let start = 0; start < waiting.length && !isCancelled.current; start += CHUNK) {
        const chunk = waiting.slice(start, start + CHUNK);
        const written = new Map((await write(client, platform.key, chunk, patch)).map((row) => [row.username, row]));
        rows = rows.map((row) => written.get(row.username) ?? row);
        show({ done: start + chunk.length });
      }
      show({ state: rows.some(isWaiting) ? "tried" : "applied" });
    } catch (error) {
      show({ state: "tried", problem: messageOf(error) });
    }
  }

  return {
    bulk,
    attempt,
    apply,
    cancel: () => void (isCancelled.current = true),
    reset: () => setBulk((last) => (last.state === "new" ? last : NEW)),
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface Batch {
  users: readonly BulkUserFragment[];
  missing: readonly string[];
  total: number;
}

async function* people(client: Client, platform: Platform, plan: Plan, keys: string[]): AsyncGenerator<Batch> {
  const platformKey = platform.key;
  if (plan.by === "list") {
    const all = linesOf(plan.usernames);
    for (let start = 0; start < all.length; start += CHUNK) {
      const usernames = all.slice(start, start + CHUNK);
      const variables = { tenantId: platform.tenantId, usernames, platformKey, keys };
      const users = orThrow(await client.query(BulkListedDocument, variables, FRESH)).users?.nodes ?? [];
      const found = new Set(users.map((user) => user.username.toLowerCase()));
      yield { users, missing: usernames.filter((each) => !found.has(each.toLowerCase())), total: all.length };
    }
    return;
  }
  const where = { metadata: plan.where.map(inputOf) };
  for (let after: string | null = null; ; ) {
    const variables: { platformKey: string; where: typeof where; after: string | null; keys: string[] } = {
      platformKey,
      where,
      after,
      keys,
    };
    const page = orThrow(await client.query(BulkFilteredDocument, variables, FRESH)).platform?.users;
    if (!page) return;
    yield { users: page.nodes, missing: [], total: page.totalCount };
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor ?? null;
  }
}

async function tried(client: Client, platformKey: string, users: readonly BulkUserFragment[], patch: Patch) {
  const results = await send(client, platformKey, users.map((user) => ({ username: user.username })), patch, true);
  return users.map((user, index) => {
    const result = results[index];
    const { revision = 0, metadata: before = {} } = user.platformMetadata ?? {};
    const row = rowOf(user.username, revision, before, result?.platformMetadata?.metadata);
    return { ...row, problem: problemOf({}, result?.userErrors) ?? null };
  });
}

async function write(client: Client, platformKey: string, rows: readonly Row[], patch: Patch): Promise<Row[]> {
  const users = rows.map(({ username, revision }) => ({ username, expectedRevision: revision }));
  const results = await send(client, platformKey, users, patch, false);
  return rows.map((row, index) => {
    const problem = problemOf({}, results[index]?.userErrors) ?? null;
    return { ...row, problem, isWritten: problem === null };
  });
}

type Addressee = { username: string; expectedRevision?: number };

async function send(client: Client, platformKey: string, users: Addressee[], patch: Patch, dryRun: boolean) {
  const patches = users.map((user) => ({ ...user, ...patch }));
  const input = { platformKey, patches, onError: "REJECT_FAILED", dryRun } as const;
  const result = await client.mutation(BulkPatchDocument, { input, keys: keysOf(patch) });
  const payload = orThrow(result).bulkPatchPlatformMetadata;
  const problem = problemOf({}, payload.userErrors);
  if (problem) throw new Error(problem);
  return payload.results;
}

/** The data of a result that has no errors. */
function orThrow<Data>(result: { data?: Data | undefined; error?: Parameters<typeof problemOf>[0]["error"] }): Data {
  const problem = problemOf(result, undefined);
  if (problem || !result.data) throw new Error(problem ?? "");
  return result.data;
}
