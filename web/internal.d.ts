/** Types inside the client, which browsers do not load. */

import type { VideoJobsError } from "./videojobs.js";
import type { Mode, PollingReason, VideoJob } from "./types.js";

export interface Follow {
  /** Null for all of the user's jobs. */
  jobId: string | null;
  onJob: (job: VideoJob) => void;
  onError: (error: VideoJobsError) => void;
  /** IDs of the jobs that had not ended in their last update. */
  unfinished: Set<string>;
  etag: string | null;
  /** Ends the pause before the next poll. */
  hurry: () => void;
}

export interface LiveOptions {
  url: string;
  WebSocket: typeof WebSocket;
  random: () => number;
  askForTicket: () => Promise<string>;
  /** Returns job IDs; null for all jobs. */
  subscriptions: () => (string | null)[];
  onUpdate: (job: VideoJob, version: number) => void;
  /** Called before the first message of a connection. */
  onOpen: () => void;
  /** Called when the snapshots of the subscriptions have arrived. */
  onSnapshot: () => void;
  onMode: (mode: Mode, reason?: PollingReason) => void;
}

export type Call = [method: string, path: string, body?: object, headers?: Record<string, string>];

export interface Reply {
  status: number;
  headers: Headers;
  data: any;
}
