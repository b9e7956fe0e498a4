import { useState } from "react";
import { VideoJobsError, type VideoJob } from "videojobs-client";

import { videos } from "./videos.ts";

interface Props {
  job: VideoJob;
  onChange: (job: VideoJob) => void;
  onGone: (jobId: string) => void;
  onSignedOut: (error: VideoJobsError) => void;
}

/** One job: its progress, then its video. */
export function VideoCard({ job, onChange, onGone, onSignedOut }: Props) {
  const [message, setMessage] = useState("");
  const [failures, setFailures] = useState(0);

  async function act(action: () => Promise<VideoJob | void>) {
    setMessage("");
    try {
      const changed = await action();
      if (changed) onChange(changed);
    } catch (error) {
      if (!(error instanceof VideoJobsError)) throw error;
      if (error.isSignedOut) onSignedOut(error);
      else if (error.code === "NOT_FOUND") onGone(job.jobId);
      else if (error.code === "CONFLICT") await act(() => videos.status(job.jobId)); // it changed in the meantime
      else setMessage(error.message);
    }
  }

  async function remove() {
    await videos.remove(job.jobId);
    onGone(job.jobId);
  }

  /** Copy a link that plays the video without a session for 10 to 15 minutes. */
  async function share() {
    const current = await videos.status(job.jobId);
    const link = current.videoUrl ?? "";
    try {
      await navigator.clipboard.writeText(link);
      setMessage("Link copied. It is valid for about 10 minutes.");
    } catch {
      setMessage(`The browser does not allow copying. Copy this link: ${link}`);
    }
    return current;
  }

  /** Replace a player that has failed. The call fails if the session has ended or the job is deleted. */
  async function recover() {
    setFailures(failures + 1);
    const current = await videos.status(job.jobId);
    setMessage("The video could not be loaded. Play it again.");
    return current;
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
      {job.videoUrl && (
        <video
          key={failures} // a new element loads nothing until the user plays it
          controls
          preload="none"
          width={320}
          poster={job.posterUrl ?? undefined}
          src={videos.contentUrl(job.jobId)}
          onError={() => act(recover)}
          onPlaying={() => setMessage("")}
        />
      )}
      {job.videoUrl && <a href={videos.contentUrl(job.jobId, { download: true })}>Download</a>}
      {job.status === "completed" && !job.videoUrl && <p>This video has no file.</p>}
      {job.status === "failed" && <p role="alert">{job.errorMessage}</p>}
      {(job.status === "queued" || job.status === "processing") && (
        <button onClick={() => act(() => videos.cancel(job.jobId))}>Cancel</button>
      )}
      {(job.status === "failed" || job.status === "cancelled") && (
        <button onClick={() => act(() => videos.retry(job.jobId))}>Try again</button>
      )}
      {job.videoUrl && <button onClick={() => act(share)}>Copy link</button>}
      {job.status !== "queued" && job.status !== "processing" && (
        <button onClick={() => act(remove)}>Delete</button>
      )}
      {message && <p role="status">{message}</p>}
    </article>
  );
}
