// Bundles src/ into ../src/ostiary/web/static/build/: hashed names, a gzip beside each file, and manifest.json (name -> hashed name).
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "src", "ostiary", "web", "static", "build");

const bundled = await build({
  absWorkingDir: here,
  entryPoints: { "console.js": "src/console.ts", "console.css": "src/console.css", "ask.js": "src/ask.ts" },
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
  outdir: "out",
  write: false,
});

const files = new Map();
for (const file of bundled.outputFiles) {
  files.set(basename(file.path).replace(/\.\w+$/, ""), Buffer.from(file.contents)); // console.js.js is of console.js
}
const icons = readFileSync(join(here, "src", "icons.svg"), "utf8").replace(/<!--.*?-->/gs, "").replace(/>\s+</g, "><");
files.set("icons.svg", Buffer.from(icons));
files.set("mark.svg", readFileSync(join(here, "src", "mark.svg")));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const manifest = {};
for (const [name, content] of files) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const dot = name.lastIndexOf(".");
  manifest[name] = `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  writeFileSync(join(out, manifest[name]), content);
  writeFileSync(join(out, manifest[name] + ".gz"), gzipSync(content, { level: 9 }));
}
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
