import { CreateVideo } from "./CreateVideo.tsx";
import { useVideoJobs } from "./useVideoJobs.ts";
import { VideoCard } from "./VideoCard.tsx";

const SIGN_IN = import.meta.env.VITE_SIGN_IN_URL ?? "/dev/login";

export default function App() {
  const { jobs, add, remove, loadMore, reload, error, mode, pollingReason } = useVideoJobs();
  if (error?.isSignedOut) {
    return (
      <main>
        <h1>Videos</h1>
        <a href={SIGN_IN}>Sign in</a>
      </main>
    );
  }
  return (
    <main>
      <h1>Videos</h1>
      <p title={pollingReason ?? undefined}>{mode === "live" ? "Live" : "Updated every few seconds"}</p>
      <CreateVideo onCreated={add} />
      {error && (
        <p role="alert">
          {error.message} <button onClick={reload}>Try again</button>
        </p>
      )}
      {jobs.map((job) => (
        <VideoCard key={job.jobId} job={job} onChange={(changed) => add([changed])} onRemove={remove} />
      ))}
      {loadMore && <button onClick={loadMore}>Earlier videos</button>}
    </main>
  );
}
