import { useEffect, useState, type FormEvent } from "react";
import { VideoJobsError, type AspectRatio, type Style, type VideoJob } from "videojobs-client";

import { videos } from "./videos.ts";

/** The fields of the form. An error of another field of the request is shown below the form. */
const FIELDS = ["prompt", "style", "duration", "aspectRatio"];

interface Props {
  onCreated: (jobs: VideoJob[]) => void;
  onSignedOut: (error: VideoJobsError) => void;
}

/** Form for a new video. The errors of a field are shown next to it. */
export function CreateVideo({ onCreated, onSignedOut }: Props) {
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [isBusy, setIsBusy] = useState(false);
  const [pause, setPause] = useState(0);

  useEffect(() => {
    if (!pause) return;
    const timer = setTimeout(() => setPause(pause - 1), 1000);
    return () => clearTimeout(timer);
  }, [pause]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setIsBusy(true);
    setProblems({});
    try {
      const { jobId } = await videos.generate({
        prompt: String(form.get("prompt")),
        style: form.get("style") as Style,
        duration: Number(form.get("duration")),
        aspectRatio: form.get("aspectRatio") as AspectRatio,
      });
      onCreated([await videos.status(jobId)]);
    } catch (error) {
      if (!(error instanceof VideoJobsError)) throw error;
      if (error.isSignedOut) return onSignedOut(error);
      if (error.code === "RATE_LIMITED") setPause(error.retryAfter ?? 60);
      const others = error.details.filter(({ field }) => !FIELDS.includes(field));
      setProblems({
        ...Object.fromEntries(error.details.map(({ field, message }) => [field, message])),
        form: error.details.length ? others.map(({ field, message }) => `${field}: ${message}`).join(" ") : error.message,
      });
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <form onSubmit={submit}>
      <label>
        Prompt <input name="prompt" />
      </label>
      <Problem text={problems.prompt} />
      <select name="style" aria-label="Style">
        <option value="calm">Calm</option>
        <option value="fun">Fun</option>
        <option value="background">Background</option>
      </select>
      <Problem text={problems.style} />
      <label>
        Seconds <input name="duration" type="number" step="any" defaultValue="8" />
      </label>
      <Problem text={problems.duration} />
      <select name="aspectRatio" aria-label="Shape">
        <option>16:9</option>
        <option>9:16</option>
        <option>1:1</option>
        <option>4:3</option>
      </select>
      <Problem text={problems.aspectRatio} />
      <button disabled={isBusy || pause > 0}>{pause ? `Wait ${pause} s` : "Create"}</button>
      <Problem text={problems.form} />
    </form>
  );
}

function Problem({ text }: { text: string | undefined }) {
  return text ? <p role="alert">{text}</p> : null;
}
