/** Comparison of the client's types with those that openapi-typescript makes of docs/openapi.json. Only the compiler reads this file. */

import type * as client from "client";
import type { components, operations } from "openapi";

type Schemas = components["schemas"];
type Result<Name extends keyof client.VideoJobs> = client.VideoJobs[Name] extends (...parameters: never[]) => Promise<infer Value> ? Value : never;

/** The type without aliases and intersections, so that equal types are identical. */
type Plain<T> = T extends (infer Item)[] ? Plain<Item>[] : T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;
type Same<One, Other> =
  (<T>() => T extends Plain<One> ? 1 : 2) extends <T>() => T extends Plain<Other> ? 1 : 2 ? true : false;
type WithoutNull<T> = { [Key in keyof T]: Exclude<T[Key], null> };

declare function compare<One, Other>(expected: Same<One, Other>): void;

compare<{ a?: string }, { a?: string }>(true);
compare<{ a: string }, { a: string | null }>(false);
compare<{ a: string }, { a?: string }>(false);
compare<{ a?: string }, object>(false);
compare<{ a: { b: 1 | 2 }[] }, { a: { b: 1 }[] }>(false);

compare<client.VideoRequest, Schemas["GenerateRequest"]>(true);
compare<client.BatchRequest, Schemas["BatchRequest"]>(true);
compare<client.VideoJob, Schemas["VideoJobData"]>(true);
compare<client.Output, Schemas["OutputData"]>(true);
compare<client.Estimate, Schemas["EstimateData"]>(true);
compare<client.Cost, Schemas["CostData"]>(true);
compare<client.Detail, Schemas["DetailData"]>(true);
compare<client.ApiErrorCode, Schemas["ErrorData"]["code"]>(true);
compare<client.ErrorCode, client.ApiErrorCode | client.ClientErrorCode>(true);
compare<client.VideoJobsError["code"], client.ErrorCode>(true);
compare<WithoutNull<client.Filter>, NonNullable<operations["listVideos"]["parameters"]["query"]>>(true);

compare<Result<"generate">, Schemas["AcceptedData"]>(true);
compare<Result<"generateBatch">, Schemas["BatchAcceptedData"]>(true);
compare<Result<"status">, Schemas["VideoJobData"]>(true);
compare<Result<"list">, Schemas["VideoJobListData"]>(true);
compare<Result<"batch">, Schemas["BatchData"]>(true);
compare<Result<"cancel">, Schemas["VideoJobData"]>(true);
compare<Result<"retry">, Schemas["VideoJobData"]>(true);
compare<Result<"ticket">, Schemas["TicketData"]>(true);

/** Operations that a page does not need: `HEAD` returns the headers of `GET`, and a provider's callback comes from a server. */
type NotOfAPage = `head${string}` | "noteCallback";

export const methods: Record<Exclude<keyof operations, NotOfAPage>, keyof client.VideoJobs> = {
  generateVideo: "generate",
  generateBatch: "generateBatch",
  listVideos: "list",
  getVideo: "status",
  deleteVideo: "remove",
  cancelVideo: "cancel",
  retryVideo: "retry",
  getContent: "contentUrl",
  countBatch: "batch",
  eraseVideos: "removeAll",
  makeTicket: "ticket",
};
