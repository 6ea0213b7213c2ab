// Builds the page into the server package. The result is committed, so that pip alone gives the page:
// names have no hashes, identifiers stay readable, and the same source gives the same bytes.
import { cp, mkdir, rm, writeFile, readFile, readdir } from "node:fs/promises";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2] ?? "../src/llm_repl_server/static";
const options = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  external: ["./editor.js", "./formulas.js"],
  logLevel: "warning",
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
// What the page and its panels share is a file by itself: `chunk.js`.
await build({ ...options, entryPoints: { page: "src/main.tsx" }, outdir: out, splitting: true, chunkNames: "[name]" });
await build({ ...options, entryPoints: { editor: "src/editor/editor.ts" }, outdir: out });
await build({ ...options, entryPoints: { formulas: "src/markdown/formulas.ts" }, outdir: out });
await build({ ...options, entryPoints: { "find-worker": "src/find/find-worker.ts" }, outdir: out });
await build({ ...options, entryPoints: { page: "src/styles/page.css" }, outdir: out });
await cp("src/index.html", `${out}/index.html`);
await cp("src/icon.svg", `${out}/icon.svg`);

for (const name of (await readdir(out)).sort()) {
  const bytes = await readFile(`${out}/${name}`);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  console.log(`${name}: ${bytes.length} bytes, ${brotli.length} with brotli, ${gzipSync(bytes, { level: 9 }).length} with gzip`);
}
