/** Comparison of the client's types with those that openapi-typescript makes of docs/openapi.json. Only the compiler reads this file. */

import type * as client from "client";
import type { components, paths } from "openapi";

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
compare<WithoutNull<client.Filter>, NonNullable<paths["/api/videos"]["get"]["parameters"]["query"]>>(true);

compare<Result<"generate">, Schemas["AcceptedData"]>(true);
compare<Result<"generateBatch">, Schemas["BatchAcceptedData"]>(true);
compare<Result<"estimate">, Schemas["VideoEstimateData"]>(true);
compare<Result<"options">, Schemas["OptionsData"]>(true);
compare<Result<"status">, Schemas["VideoJobData"]>(true);
compare<Result<"list">, Schemas["VideoJobListData"]>(true);
compare<Result<"batch">, Schemas["BatchData"]>(true);
compare<Result<"cancel">, Schemas["VideoJobData"]>(true);
compare<Result<"retry">, Schemas["VideoJobData"]>(true);
compare<Result<"ticket">, Schemas["TicketData"]>(true);

/** `GET /api/videos` and so on, of each operation in the description. */
type Route = {
  [Path in keyof paths]: {
    [Method in keyof paths[Path] & ("get" | "post" | "put" | "patch" | "delete")]: [paths[Path][Method]] extends [undefined]
      ? never
      : `${Uppercase<Method>} ${Path}`;
  }[keyof paths[Path] & ("get" | "post" | "put" | "patch" | "delete")];
}[keyof paths];

/** The method for each route. `HEAD` returns the headers of `GET`, and a provider's callback comes from a server. */
export const methods: Record<Exclude<NonNullable<Route>, `POST /api/providers/${string}`>, keyof client.VideoJobs> = {
  "POST /api/videos/generate": "generate",
  "POST /api/videos/batch": "generateBatch",
  "POST /api/videos/estimate": "estimate",
  "GET /api/videos/options": "options",
  "GET /api/videos": "list",
  "GET /api/videos/{jobId}": "status",
  "DELETE /api/videos/{jobId}": "remove",
  "POST /api/videos/{jobId}/cancel": "cancel",
  "POST /api/videos/{jobId}/retry": "retry",
  "GET /api/videos/{jobId}/content": "contentUrl",
  "GET /api/batches/{batchId}": "batch",
  "DELETE /api/users/me/videos": "removeAll",
  "POST /api/realtime/ticket": "ticket",
};
