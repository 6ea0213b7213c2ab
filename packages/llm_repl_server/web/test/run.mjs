// Bundles the tests, which are TypeScript, and runs them by Node's own runner.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const out = await mkdtemp(join(tmpdir(), "page-tests-"));
try {
  const tests = (await readdir("test")).filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  await build({ entryPoints: tests, outdir: out, bundle: true, format: "esm", platform: "node", outExtension: { ".js": ".mjs" } });
  process.exitCode = spawnSync(process.execPath, ["--test", out], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true });
}
