import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The address of the local system: `webUrl` in .local/stack.json.
const system = new URL(process.env.VIDEO_JOBS_URL ?? "http://127.0.0.1:4570").origin;

export default defineConfig({
  plugins: [react()],
  server: {
    // A page that calls the API directly needs the host of the API, and a port that the API allows.
    host: "127.0.0.1",
    strictPort: true,
    proxy: {
      // Without `changeOrigin`, the Host header keeps the port of this page, and the page has a session of its own.
      "/api": { target: system, changeOrigin: false },
      "/dev": { target: system, changeOrigin: false },
      // A WebSocket must have an allowed origin. The system's own origin is always allowed.
      "/live": { target: system, changeOrigin: false, ws: true, headers: { origin: system } },
    },
  },
});
