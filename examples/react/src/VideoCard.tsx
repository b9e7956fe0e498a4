import { useState } from "react";
import { VideoJobsError, type VideoJob } from "videojobs-client";

import { videos } from "./videos.ts";

interface Props {
  job: VideoJob;
  onChange: (job: VideoJob) => void;
  onRemove: (jobId: string) => Promise<void>;
}

/** One job: its progress, then its video. */
export function VideoCard({ job, onChange, onRemove }: Props) {
  const [problem, setProblem] = useState("");

  async function act(action: () => Promise<VideoJob | void>) {
    setProblem("");
    try {
      const changed = await action();
      if (changed) onChange(changed);
    } catch (error) {
      if (!(error instanceof VideoJobsError)) throw error;
      setProblem(error.message);
      if (error.code === "CONFLICT") onChange(await videos.status(job.jobId)); // it ended in the meantime
    }
  }

  return (
    <article aria-label={job.prompt ?? job.jobId} data-status={job.status}>
      <h2>{job.prompt}</h2>
      <p>
        {job.status}
        {job.queuePosition && `, number ${job.queuePosition}`}
        {job.estimatedSecondsLeft && `, about ${job.estimatedSecondsLeft} s left`}
      </p>
      {job.status === "processing" && <progress value={job.progress ?? undefined} />}
      {job.status === "completed" && (
        <video
          controls
          preload="none"
          width={320}
          poster={job.posterUrl ?? undefined}
          src={videos.contentUrl(job.jobId)}
        />
      )}
      {job.status === "completed" && <a href={videos.contentUrl(job.jobId, { download: true })}>Download</a>}
      {job.status === "failed" && <p role="alert">{job.errorMessage}</p>}
      {(job.status === "queued" || job.status === "processing") && (
        <button onClick={() => act(() => videos.cancel(job.jobId))}>Cancel</button>
      )}
      {(job.status === "failed" || job.status === "cancelled") && (
        <button onClick={() => act(() => videos.retry(job.jobId))}>Try again</button>
      )}
      {job.status === "completed" && <button onClick={() => act(() => share(job))}>Copy link</button>}
      {job.status !== "queued" && job.status !== "processing" && (
        <button onClick={() => act(() => onRemove(job.jobId))}>Delete</button>
      )}
      {problem && <p role="alert">{problem}</p>}
    </article>
  );
}

/** Copy a link that plays the video without a session for some minutes. */
async function share(job: VideoJob): Promise<VideoJob> {
  const current = await videos.renew(job);
  await navigator.clipboard.writeText(current.videoUrl ?? "");
  return current;
}
