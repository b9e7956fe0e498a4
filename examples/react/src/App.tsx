import type { Mode } from "videojobs-client";

import { CreateVideo } from "./CreateVideo.tsx";
import { useVideoJobs } from "./useVideoJobs.ts";
import { VideoCard } from "./VideoCard.tsx";

const SIGN_IN = import.meta.env.VITE_SIGN_IN_URL ?? "/dev/login";
const UPDATES: Record<Mode, string> = {
  live: "Live",
  connecting: "Connecting…",
  polling: "Updates are delayed",
  idle: "Not updated",
};

export default function App() {
  const { jobs, add, forget, loadMore, reload, isLoading, error, fail, mode, pollingReason } = useVideoJobs();
  if (error?.isSignedOut) {
    return (
      <main>
        <h1>Videos</h1>
        <a href={SIGN_IN}>Sign in</a>
      </main>
    );
  }
  if (isLoading) return <p role="status">Loading…</p>;
  return (
    <main>
      <h1>Videos</h1>
      <p title={pollingReason ?? undefined}>{UPDATES[mode]}</p>
      <CreateVideo onCreated={add} onSignedOut={fail} />
      {error && (
        <p role="alert">
          {error.message} <button onClick={reload}>Try again</button>
        </p>
      )}
      {jobs.map((job) => (
        <VideoCard
          key={job.jobId}
          job={job}
          onChange={(changed) => add([changed])}
          onGone={forget}
          onSignedOut={fail}
        />
      ))}
      {loadMore && <button onClick={loadMore}>Earlier videos</button>}
    </main>
  );
}
