import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { VideoJobsError, type VideoJob } from "videojobs-client";

import { videos } from "./videos.ts";

/** As many jobs as the first live updates contain, so that the next page follows them without a gap. */
const PAGE = 50;

/** Return the user's jobs, newest first, with live updates. */
export function useVideoJobs() {
  const [jobs, setJobs] = useState<VideoJob[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [isLoading, setIsLoading] = useState(true);
  const [error, setError] = useState<VideoJobsError | null>(null);
  const [reloads, setReloads] = useState(0);
  const mode = useSyncExternalStore(onMode, () => videos.mode);
  const pollingReason = useSyncExternalStore(onMode, () => videos.pollingReason);

  const add = useCallback((changed: VideoJob[]) => setJobs((known) => merge(known, changed)), []);
  const fail = useCallback((reason: unknown) => {
    if (!(reason instanceof VideoJobsError)) throw reason;
    setError(reason);
    setIsLoading(false);
  }, []);

  useEffect(() => {
    let isCurrent = true;
    videos.list({ limit: PAGE }).then((page) => {
      if (!isCurrent) return;
      setError(null);
      setIsLoading(false);
      add(page.items);
      setCursor(page.nextCursor);
    }, fail);
    const stop = videos.followAll((job) => add([job]), fail);
    return () => {
      isCurrent = false;
      stop();
    };
  }, [add, fail, reloads]);

  const loadMore = async () => {
    try {
      const page = await videos.list({ limit: PAGE, cursor });
      add(page.items);
      setCursor(page.nextCursor);
    } catch (reason) {
      fail(reason);
    }
  };
  const forget = (jobId: string) => setJobs((known) => known.filter((job) => job.jobId !== jobId));
  const reload = () => setReloads((count) => count + 1);
  return { jobs, add, forget, loadMore: cursor ? loadMore : null, reload, isLoading, error, fail, mode, pollingReason };
}

function onMode(notify: () => void) {
  videos.addEventListener("mode", notify);
  return () => videos.removeEventListener("mode", notify);
}

/** Keep the highest version of each job: responses and messages arrive in any order. */
function merge(known: VideoJob[], changed: VideoJob[]): VideoJob[] {
  const byId = new Map(known.map((job) => [job.jobId, job]));
  for (const job of changed) {
    if (job.version >= (byId.get(job.jobId)?.version ?? -1)) byId.set(job.jobId, job);
  }
  return [...byId.values()].sort((one, other) => other.createdAt.localeCompare(one.createdAt) || other.jobId.localeCompare(one.jobId));
}
