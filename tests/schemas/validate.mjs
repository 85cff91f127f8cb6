// node validate.mjs SCHEMA FILE…: prints what is wrong, a line each, and exits 1. YAML files may hold several documents.
import fs from "node:fs";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parseAllDocuments } from "yaml";

const [schemaFile, ...files] = process.argv.slice(2);
const schema = JSON.parse(fs.readFileSync(schemaFile, "utf8"));
const ajv = new (schema.$schema.includes("2020-12") ? Ajv2020 : Ajv)({ allErrors: true, strict: false });
addFormats(ajv);
const valid = ajv.compile(schema);
let wrong = 0;
for (const file of files) {
  const text = fs.readFileSync(file, "utf8");
  // Dates stay text, as our own loader has them.
  const documents = /\.ya?ml$/.test(file) ? parseAllDocuments(text, { schema: "core" }).map((d) => d.toJS()) : [JSON.parse(text)];
  for (const document of documents) {
    if (document === null || valid(document)) continue;
    for (const error of valid.errors.slice(0, 10)) {
      wrong += 1;
      console.log(`${file}: ${document.id ?? ""} ${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
    }
  }
}
process.exit(wrong === 0 ? 0 : 1);
