// Parse an AsyncAPI document, print its diagnostics, and exit with 1 if there are any: node parse_asyncapi.mjs FILE
import { fromFile, Parser } from "@asyncapi/parser";

const { diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
for (const { code, message, path } of diagnostics) console.log(`${path.join(".")}: ${message} (${code})`);
process.exit(diagnostics.length === 0 ? 0 : 1);
