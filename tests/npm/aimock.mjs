// Starts aimock with the options of its first argument (JSON); it says where it listens, and ends with its input.
// Its own command line knows nothing of falQueue, openRouterVideo and veoVideo.
import { LLMock } from "@copilotkit/aimock";

const { fixtures, ...options } = JSON.parse(process.argv[2]);
const mock = new LLMock({ host: "127.0.0.1", port: 0, ...options });
mock.addFixtures(fixtures);
console.log(`listening on ${await mock.start()}`);
process.stdin.on("end", () => process.exit()).resume();
