// Polling design: Express, Mongoose, and a worker in the same process that looks for a queued job every few seconds.

import cookieParser from "cookie-parser";
import express from "express";
import jwt from "jsonwebtoken";
import mongoose from "mongoose";

const { HOST, PORT, MONGODB_URI, JWT_SECRET, POLL_MS, WORK_MS } = process.env;

const schema = new mongoose.Schema(
  {
    userId: { type: mongoose.ObjectId, required: true },
    prompt: { type: String, required: true, trim: true, minlength: 1, maxlength: 1000 },
    style: { type: String, required: true, enum: ["fun", "calm", "background"] },
    duration: { type: Number, required: true, min: 1, max: 60 },
    aspectRatio: { type: String, required: true, enum: ["16:9", "9:16", "1:1", "4:3"] },
    status: { type: String, enum: ["queued", "processing", "completed", "failed"], default: "queued" },
    videoUrl: { type: String, default: null },
    errorMessage: { type: String, default: null },
    startedAt: Date,
  },
  { timestamps: true },
);
schema.index({ status: 1, createdAt: 1 });
schema.index({ userId: 1, createdAt: -1 });
const VideoJob = mongoose.model("VideoJob", schema, "videojobs");

function refuse(response, status, code, message) {
  response.status(status).json({ success: false, error: { code, message } });
}

function authenticate(request, response, next) {
  const { token } = request.cookies;
  if (!token) return refuse(response, 401, "TOKEN_MISSING", "Sign in first.");
  try {
    request.userId = jwt.verify(token, JWT_SECRET, { algorithms: ["HS256"] }).userId;
  } catch {
    return refuse(response, 401, "TOKEN_INVALID", "The session is not valid.");
  }
  next();
}

async function generate(request, response, next) {
  try {
    const { prompt, style, duration, aspectRatio } = request.body;
    const job = await VideoJob.create({ userId: request.userId, prompt, style, duration, aspectRatio });
    response.status(201).location(`/api/videos/${job.id}`);
    response.json({ success: true, data: { jobId: job.id, status: job.status } });
  } catch (error) {
    next(error);
  }
}

async function readStatus(request, response, next) {
  try {
    const { jobId } = request.params;
    const job = mongoose.isValidObjectId(jobId) ? await VideoJob.findById(jobId) : null;
    if (!job) return refuse(response, 404, "NOT_FOUND", "There is no such job.");
    if (!job.userId.equals(request.userId)) return refuse(response, 403, "FORBIDDEN", "The job is another user's.");
    const { status, videoUrl, errorMessage, prompt, style, duration, aspectRatio, createdAt, updatedAt } = job;
    const seen = { status, videoUrl, errorMessage, prompt, style, duration, aspectRatio, createdAt, updatedAt };
    response.json({ success: true, data: { jobId, ...seen } });
  } catch (error) {
    next(error);
  }
}

let busy = false;

// Works on one job at a time; other queued jobs wait for a later poll.
async function work() {
  if (busy) return;
  busy = true;
  try {
    const start = { status: "processing", startedAt: new Date() };
    const job = await VideoJob.findOneAndUpdate({ status: "queued" }, start, { sort: { createdAt: 1 }, new: true });
    if (!job) return;
    await new Promise((resolve) => setTimeout(resolve, Number(WORK_MS)));
    job.status = "completed";
    job.videoUrl = `https://mock-videos.eirthlink.com/videos/${job.id}.mp4`;
    await job.save();
  } finally {
    busy = false;
  }
}

const app = express();
// For the benchmark only, before all middleware: the microseconds of processor time that this process has used.
app.get("/cpu", (_, response) => {
  const { user, system } = process.cpuUsage();
  response.json({ microseconds: user + system });
});
app.use(express.json());
app.use(cookieParser());
app.post("/api/videos/generate", authenticate, generate);
app.get("/api/videos/:jobId", authenticate, readStatus);
app.use((error, _request, response, _next) => {
  if (error.name === "ValidationError") return refuse(response, 400, "VALIDATION_ERROR", error.message);
  console.error(error);
  refuse(response, 500, "INTERNAL_ERROR", "Something went wrong.");
});

await mongoose.connect(MONGODB_URI);
await VideoJob.init(); // creates the indexes
setInterval(() => work().catch(console.error), Number(POLL_MS));
app.listen(Number(PORT), HOST);
