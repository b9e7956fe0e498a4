import { VideoJobs } from "videojobs-client";

const live = new URL("/live", location.href);
live.protocol = live.protocol.replace("http", "ws");

/** The client of the page. In production, set the two variables in .env.production; an empty API URL is the page's own origin. */
export const videos = new VideoJobs({
  apiUrl: import.meta.env.VITE_API_URL,
  liveUrl: import.meta.env.VITE_LIVE_URL ?? live.href,
});
